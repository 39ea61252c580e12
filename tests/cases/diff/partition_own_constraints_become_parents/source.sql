-- a partition's own keys, checks and foreign keys become copies of its parent's, and the other way round
CREATE TABLE o (id int PRIMARY KEY);
CREATE TABLE p (id int NOT NULL, k int NOT NULL, o int, CONSTRAINT pk PRIMARY KEY (id, k), CONSTRAINT ck CHECK (id > 0), CONSTRAINT fk FOREIGN KEY (o) REFERENCES o) PARTITION BY LIST (k);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE q (id int NOT NULL, k int NOT NULL, o int) PARTITION BY LIST (k);
CREATE TABLE q1 PARTITION OF q FOR VALUES IN (1);
ALTER TABLE q1 ADD CONSTRAINT q1_pkey PRIMARY KEY (id, k), ADD CONSTRAINT ck CHECK (id > 0), ADD CONSTRAINT fk FOREIGN KEY (o) REFERENCES o;
