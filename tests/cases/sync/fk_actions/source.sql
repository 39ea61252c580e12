INSERT INTO parent SELECT generate_series(1, 20);
INSERT INTO cascades SELECT i, 1 + i % 20 FROM generate_series(1, 100) i;
INSERT INTO forgets SELECT i, 1 + i % 20 FROM generate_series(1, 100) i;
INSERT INTO falls_back SELECT i, 1 + i % 20 FROM generate_series(1, 100) i;
