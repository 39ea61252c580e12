INSERT INTO node SELECT i, nullif(i - 1, 0) FROM generate_series(1, 50) i;
