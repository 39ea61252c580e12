-- SQL bodies that call each other through a view and a table's default, changed at once
CREATE TABLE t (id int PRIMARY KEY, n bigint);
CREATE FUNCTION one(x int) RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT count(*) + x FROM t; END;
CREATE VIEW v AS SELECT id, one(id) AS o FROM t;
CREATE FUNCTION two() RETURNS SETOF v LANGUAGE sql STABLE BEGIN ATOMIC SELECT id, o FROM v; END;
CREATE PROCEDURE pr(a int, OUT b bigint) LANGUAGE sql BEGIN ATOMIC SELECT one(a); END;
ALTER TABLE t ALTER n SET DEFAULT one(5);
