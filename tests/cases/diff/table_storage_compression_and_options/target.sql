CREATE TABLE t (a text, b text, c jsonb) WITH (fillfactor = 70, autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE t ALTER a SET STORAGE EXTERNAL, ALTER b SET COMPRESSION pglz, ALTER c SET STATISTICS 50;
ALTER TABLE t ALTER a SET (n_distinct = 5);
CREATE INDEX i ON t (a) WITH (fillfactor = 50, deduplicate_items = off);
CREATE VIEW v WITH (security_invoker, check_option = cascaded) AS SELECT a FROM t WHERE a > 'x';
CREATE UNLOGGED TABLE ul (a int);
