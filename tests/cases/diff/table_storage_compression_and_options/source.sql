-- storage, compression, statistics and options of tables, columns, indexes and views change
CREATE TABLE t (a text, b text, c jsonb) WITH (autovacuum_vacuum_threshold = 100, toast.autovacuum_vacuum_threshold = 5);
ALTER TABLE t ALTER a SET STORAGE MAIN, ALTER c SET STORAGE EXTERNAL, ALTER b SET STATISTICS 7;
ALTER TABLE t ALTER a SET (n_distinct_inherited = -0.5);
CREATE INDEX i ON t (a) WITH (fillfactor = 60);
ALTER INDEX i SET (deduplicate_items = on);
CREATE VIEW v WITH (security_barrier = true, check_option = local) AS SELECT a FROM t WHERE a > 'x';
CREATE TABLE ul (a int) WITH (parallel_workers = 3);
