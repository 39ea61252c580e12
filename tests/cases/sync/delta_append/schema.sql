CREATE TABLE t (id int PRIMARY KEY, v text);
CREATE TABLE keyless (v int);
