-- a view and a function that need each other, over columns of other collations
CREATE TABLE t (id int PRIMARY KEY, a text);
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE VIEW v AS SELECT id, a COLLATE "C" AS a, f(id) AS n FROM t;
CREATE OR REPLACE FUNCTION f(int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT count(*)::int FROM v WHERE v.id > $1 AND v.a > 'x'; END;
