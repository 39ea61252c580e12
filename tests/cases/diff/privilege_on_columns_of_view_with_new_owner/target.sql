CREATE TABLE t (id int, v text);
CREATE VIEW v AS SELECT id, v FROM t;
