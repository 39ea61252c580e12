-- brin, gin, gist, spgist and hash indexes change their operator classes, options, INCLUDE and statistics
CREATE TABLE t (a int, b text, c int[], d tsvector, p point);
CREATE INDEX i1 ON t USING brin (a int4_minmax_multi_ops (values_per_range = 16)) WITH (autosummarize = on);
CREATE INDEX i2 ON t USING gin (c) WITH (fastupdate = off);
CREATE INDEX i3 ON t USING spgist (p);
CREATE INDEX i4 ON t USING hash (b) WHERE b <> '';
CREATE UNIQUE INDEX i5 ON t (a NULLS FIRST, lower(b) COLLATE "C" text_pattern_ops) INCLUDE (c);
ALTER INDEX i5 ALTER COLUMN 2 SET STATISTICS 44;
