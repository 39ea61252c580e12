CREATE TABLE t (id bigint PRIMARY KEY); CREATE SEQUENCE t_id_seq AS int OWNED BY t.id; ALTER TABLE t ALTER id SET DEFAULT nextval('t_id_seq');
