CREATE TABLE t (id int PRIMARY KEY, region text, v int);
