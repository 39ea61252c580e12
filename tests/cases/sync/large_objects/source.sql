INSERT INTO picture SELECT i, lo_from_bytea(0, '\x0102') FROM generate_series(1, 3) i;
