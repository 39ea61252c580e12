INSERT INTO t SELECT i, md5(i::text) FROM generate_series(1, 100) i;
