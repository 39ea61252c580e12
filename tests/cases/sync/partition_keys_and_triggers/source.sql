INSERT INTO shop SELECT generate_series(1, 9); INSERT INTO sale SELECT i, i % 20, 1 + i % 9 FROM generate_series(1, 200) i;
INSERT INTO refund SELECT id, id, day FROM sale WHERE id < 50; INSERT INTO note SELECT id, id, day FROM sale WHERE day < 10;
INSERT INTO stock SELECT i, 1 + i % 3, 1 + i % 9 FROM generate_series(1, 90) i;
