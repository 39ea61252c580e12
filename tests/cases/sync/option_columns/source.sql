INSERT INTO p SELECT i, 'secret', 'b' || i FROM generate_series(1, 30) i;
