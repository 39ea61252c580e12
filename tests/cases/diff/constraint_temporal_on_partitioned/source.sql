-- temporal keys of partitioned tables and foreign keys to them
CREATE EXTENSION btree_gist;
CREATE TABLE p (id int, during daterange, CONSTRAINT pk PRIMARY KEY (id, during WITHOUT OVERLAPS)) PARTITION BY LIST (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE r (id int, during daterange, CONSTRAINT rk FOREIGN KEY (id, PERIOD during) REFERENCES p (id, PERIOD during));
