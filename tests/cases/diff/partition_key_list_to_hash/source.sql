-- a table partitioned by list becomes one by hash, with an expression in its key
CREATE TABLE m (id int, k text, v int) PARTITION BY HASH (id, lower(k));
CREATE TABLE m_a PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE m_n PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE VIEW v AS SELECT * FROM m;
GRANT SELECT ON m TO dbsync_case_reader;
COMMENT ON TABLE m IS 'parent';
