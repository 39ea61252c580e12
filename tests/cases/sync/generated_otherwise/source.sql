CREATE TABLE t (id int PRIMARY KEY, thrice int); INSERT INTO t SELECT i, i * 3 FROM generate_series(1, 50) i;
