INSERT INTO t (a, b) SELECT i, md5(i::text) FROM generate_series(1, 500) i;
