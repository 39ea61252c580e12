INSERT INTO parent SELECT i, md5(i::text) FROM generate_series(1, 100) i; INSERT INTO child SELECT i, i FROM generate_series(1, 60) i;
