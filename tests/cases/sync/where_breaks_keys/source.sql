INSERT INTO parent SELECT generate_series(1, 9); INSERT INTO child SELECT i, i FROM generate_series(1, 9) i;
