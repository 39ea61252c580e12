-- overloads with defaults come and go under a view and a default
CREATE FUNCTION f(int, int DEFAULT 0, int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 3';
CREATE FUNCTION f(text) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 4';
CREATE VIEW v AS SELECT f(1, 2) AS x;
CREATE TABLE t (a int DEFAULT f(1, 1));
