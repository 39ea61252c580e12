CREATE TABLE t (id bigserial PRIMARY KEY); SELECT setval('t_id_seq', 70); INSERT INTO t VALUES (5);
CREATE SEQUENCE late INCREMENT 10; SELECT setval('late', 995);
