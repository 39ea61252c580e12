CREATE TABLE t (id serial PRIMARY KEY); INSERT INTO t VALUES (1); SELECT setval('t_id_seq', 77);
