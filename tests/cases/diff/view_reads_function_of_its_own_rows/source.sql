-- a view reads a function that returns rows of the view
CREATE TABLE t (a bigint, b text);
CREATE VIEW v AS SELECT a, b FROM t;
CREATE FUNCTION f() RETURNS SETOF v LANGUAGE sql AS 'SELECT * FROM v';
CREATE OR REPLACE VIEW v AS SELECT a, b FROM t WHERE EXISTS (SELECT FROM f() LIMIT 1);
CREATE VIEW w AS SELECT x.a, x.b FROM f() x;
