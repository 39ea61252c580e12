CREATE TYPE e AS ENUM ('a');
CREATE TABLE t (id int PRIMARY KEY, s text DEFAULT $$e'\ %(x)s {0} $1 :n$$, v e);
CREATE TABLE p (k text) PARTITION BY LIST (k);
CREATE VIEW v AS SELECT $$'"; DROP TABLE tt; --$$::text AS "a""; --", id % 6 AS m FROM t;
CREATE FUNCTION f(a text DEFAULT $$';%d$$) RETURNS text LANGUAGE plpgsql AS $x$BEGIN RETURN $q$b$q$; END$x$;
INSERT INTO t VALUES (1, 'a');
