CREATE TABLE t (id int, r text);
