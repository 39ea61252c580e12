INSERT INTO t (a, b) SELECT i, 'old' FROM generate_series(400, 900) i;
