CREATE SCHEMA ext;
CREATE SCHEMA ext2;
CREATE EXTENSION hstore SCHEMA ext;
CREATE TABLE t (a ext.hstore DEFAULT ''::ext.hstore);
CREATE INDEX i ON t USING gin (a);
CREATE VIEW v AS SELECT a OPERATOR(ext.->) 'k' AS k FROM t;
CREATE FUNCTION f(ext.hstore) RETURNS text[] LANGUAGE sql AS 'SELECT ext.akeys($1)';
