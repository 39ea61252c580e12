-- a table's check and index call functions over its own row type, while its columns change
CREATE TABLE t (id int PRIMARY KEY, a bigint, n text DEFAULT 'x' NOT NULL);
CREATE FUNCTION ok(t) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.a > 0';
CREATE FUNCTION num(t) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT $1.a';
ALTER TABLE t ADD CONSTRAINT c CHECK (ok(t));
CREATE INDEX ti ON t (num(t.*));
CREATE VIEW v AS SELECT t AS whole, num(t) AS n FROM t;
