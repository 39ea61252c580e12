CREATE TABLE t (id int PRIMARY KEY, v int);
CREATE TABLE keyless (v int);
CREATE TABLE same (id int PRIMARY KEY, v int);
