CREATE TABLE t (id bigserial PRIMARY KEY); SELECT setval('t_id_seq', 5000000000); INSERT INTO t VALUES (5);
