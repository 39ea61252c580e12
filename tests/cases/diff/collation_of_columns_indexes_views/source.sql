-- columns, indexes, views and a composite type get other collations
CREATE TABLE t (a text, b text COLLATE "POSIX");
CREATE INDEX ia ON t (a);
CREATE INDEX ib ON t (b DESC);
CREATE VIEW v AS SELECT a, b COLLATE "C" AS b FROM t;
CREATE TYPE c AS (x text COLLATE "POSIX");
