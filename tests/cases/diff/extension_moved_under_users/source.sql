-- an extension moves to another schema under columns, defaults, indexes, views and functions
CREATE SCHEMA ext;
CREATE SCHEMA ext2;
CREATE EXTENSION hstore SCHEMA ext2;
CREATE TABLE t (a ext2.hstore DEFAULT ''::ext2.hstore);
CREATE INDEX i ON t USING gin (a);
CREATE VIEW v AS SELECT a OPERATOR(ext2.->) 'k' AS k FROM t;
CREATE FUNCTION f(ext2.hstore) RETURNS text[] LANGUAGE sql AS 'SELECT ext2.akeys($1)';
