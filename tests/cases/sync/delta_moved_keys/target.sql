INSERT INTO parent VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3);
INSERT INTO child SELECT i, 1 + i % 3, 'kept' FROM generate_series(1, 6) i;
INSERT INTO tree VALUES (1, NULL, 'root'), (2, 1, 'two'), (3, 1, 'three');
