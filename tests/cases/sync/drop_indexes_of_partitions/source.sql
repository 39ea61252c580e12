INSERT INTO event SELECT i, i % 20, 'v' || i FROM generate_series(1, 500) i; INSERT INTO plain SELECT i, 'v' FROM generate_series(1, 500) i;
