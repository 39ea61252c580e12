-- an enum becomes a table of the same name, columns and functions refer to it
CREATE TABLE st (code text PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, s text DEFAULT 'a' REFERENCES st);
CREATE FUNCTION f(s text) RETURNS text LANGUAGE sql AS 'SELECT s';
CREATE VIEW v AS SELECT f(s) AS x FROM t;
