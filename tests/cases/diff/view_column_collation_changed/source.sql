-- a view's column keeps name and type and gets another collation; others stand on it
CREATE TABLE t (a text, b varchar(9));
CREATE VIEW v AS SELECT a COLLATE "C" AS a, b FROM t;
CREATE VIEW w AS SELECT a FROM v;
CREATE VIEW x AS SELECT upper(b) AS u FROM t;
CREATE VIEW y AS SELECT u COLLATE "POSIX" AS u FROM x;
