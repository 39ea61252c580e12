-- a serial's sequence moves to another table's column
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (id int PRIMARY KEY);
CREATE SEQUENCE a_id_seq AS int OWNED BY b.id;
ALTER TABLE b ALTER id SET DEFAULT nextval('a_id_seq');
