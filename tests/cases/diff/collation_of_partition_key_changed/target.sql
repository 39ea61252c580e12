CREATE COLLATION col (provider = libc, locale = 'POSIX');
CREATE DOMAIN d AS text COLLATE col;
CREATE TYPE r AS RANGE (subtype = text, collation = col);
CREATE TYPE c AS (a text COLLATE col);
CREATE TABLE p (k text) PARTITION BY RANGE (k COLLATE col);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('a') TO ('m');
CREATE TABLE t (a text COLLATE col, b d, c r, e c);
CREATE INDEX i ON t (a);
INSERT INTO p VALUES ('b'); INSERT INTO t VALUES ('a', 'b', '[a,b)', '(x)');
