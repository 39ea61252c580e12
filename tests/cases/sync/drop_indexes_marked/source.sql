INSERT INTO t SELECT i, i::text, i FROM generate_series(1, 50) i;
