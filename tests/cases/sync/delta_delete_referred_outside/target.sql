INSERT INTO parent VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3);
INSERT INTO child SELECT i, 3, 'kept' FROM generate_series(1, 3) i;
INSERT INTO loose VALUES (3), (1);
