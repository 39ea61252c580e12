-- attributes of a type with tables of its own come in no alphabetical order, go, and change their types
CREATE TYPE ct AS (a bigint, keep text, z text COLLATE "C", m date, c int);
COMMENT ON COLUMN ct.m IS 'm';
CREATE TABLE t1 OF ct (a PRIMARY KEY, m NOT NULL DEFAULT '2020-01-01', CONSTRAINT ck CHECK (c > 0));
CREATE TABLE t2 OF ct;
CREATE INDEX i2 ON t2 (z, m);
CREATE VIEW v AS SELECT a, m FROM t1;
CREATE TABLE t3 (a bigint);
