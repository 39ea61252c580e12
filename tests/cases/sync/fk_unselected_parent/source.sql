INSERT INTO child SELECT i, i % 9 + 1 FROM generate_series(6, 99) i;
