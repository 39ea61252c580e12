-- storage parameters change, a partition becomes unlogged
CREATE TABLE t (a int PRIMARY KEY, b text, c text) WITH (toast_tuple_target = 512, log_autovacuum_min_duration = 5);
ALTER TABLE t ALTER c SET COMPRESSION pglz;
CREATE TABLE p (k int) PARTITION BY LIST (k);
CREATE UNLOGGED TABLE p1 PARTITION OF p FOR VALUES IN (1) WITH (fillfactor = 60);
