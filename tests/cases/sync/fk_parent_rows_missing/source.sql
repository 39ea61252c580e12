INSERT INTO parent SELECT generate_series(1, 9);
INSERT INTO child SELECT i, i % 9 + 1 FROM generate_series(1, 99) i;
