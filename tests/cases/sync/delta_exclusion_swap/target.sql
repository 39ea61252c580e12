INSERT INTO booking SELECT i, int4range(10 * i, 10 * i + 9) FROM generate_series(1, 40) i WHERE i NOT IN (5, 6, 7);
INSERT INTO booking VALUES (5, '[60,69)'), (6, '[70,79)'), (7, '[50,59)');
