INSERT INTO t VALUES (101, 'a', 1), (102, 'a', 1), (103, 'c', 3);
SELECT setval('t_id_seq', 200);
