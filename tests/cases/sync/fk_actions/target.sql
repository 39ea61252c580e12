INSERT INTO parent SELECT generate_series(1, 40);
INSERT INTO cascades SELECT i, 21 + i % 20 FROM generate_series(1, 70) i;
INSERT INTO forgets SELECT i, 21 + i % 20 FROM generate_series(1, 70) i;
INSERT INTO falls_back SELECT i, 21 + i % 20 FROM generate_series(1, 70) i;
