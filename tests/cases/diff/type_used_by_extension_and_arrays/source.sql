-- a composite within a domain within an array within a composite changes at the bottom
CREATE TYPE c1 AS (a bigint, n text);
CREATE DOMAIN d1 AS c1 CHECK ((VALUE).a > 0);
CREATE TYPE c2 AS (ds d1[], e int);
CREATE FUNCTION f(c2) RETURNS c1 LANGUAGE sql AS 'SELECT NULL::c1';
CREATE VIEW v AS SELECT (NULL::c2).e AS e, f(NULL) AS g;
