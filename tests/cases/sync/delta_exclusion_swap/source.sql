INSERT INTO booking SELECT i, int4range(10 * i, 10 * i + 9) FROM generate_series(1, 40) i;
