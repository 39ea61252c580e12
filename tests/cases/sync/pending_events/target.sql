INSERT INTO parent SELECT i, -i FROM generate_series(50, 70) i; INSERT INTO child SELECT i, 50 FROM generate_series(1, 10) i;
