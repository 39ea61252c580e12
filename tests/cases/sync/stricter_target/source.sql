INSERT INTO t SELECT i, 'v' FROM generate_series(1, 100) i; INSERT INTO fine VALUES (1);
