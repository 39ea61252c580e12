INSERT INTO parent VALUES (1, 'b', 3), (2, 'a', 1), (3, 'c', 2);
INSERT INTO child SELECT i, 1 + i % 3, 'kept' FROM generate_series(1, 6) i;
