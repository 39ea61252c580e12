CREATE EXTENSION citext;
CREATE TABLE t (a citext UNIQUE, b text);
CREATE VIEW v AS SELECT a = 'x' AS eq FROM t;
INSERT INTO t VALUES ('A', 'b');
