-- indexes of partitions: ON ONLY, renamed children, options of their own, keys
CREATE TABLE m (id int, k int, v text) PARTITION BY RANGE (k);
CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (0) TO (10);
CREATE TABLE m2 PARTITION OF m FOR VALUES FROM (10) TO (20);
CREATE INDEX mi ON m (lower(v)) WHERE v IS NOT NULL;
CREATE INDEX m1_named ON m1 (id, k);
CREATE INDEX onlyi ON m (id, k);
ALTER INDEX m2_id_k_idx RENAME TO "weird %s";
ALTER TABLE m ADD CONSTRAINT mu UNIQUE (id, k);
COMMENT ON INDEX "weird %s" IS 'renamed child';
ALTER INDEX m1_lower_idx SET (fillfactor = 60);
