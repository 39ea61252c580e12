ALTER TABLE t ADD note text;
INSERT INTO t VALUES (1, 20, 'one'), (2, 10, 'two'), (3, 30, 'three');
