INSERT INTO t SELECT i, i, 'old' || i, NULL FROM generate_series(1, 5) i;
