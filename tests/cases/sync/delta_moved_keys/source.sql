INSERT INTO parent VALUES (101, 'a', 1), (2, 'b', 2), (3, 'c', 3);
INSERT INTO child SELECT i, CASE WHEN i % 3 = 0 THEN 101 ELSE 1 + i % 3 END, 'kept' FROM generate_series(1, 6) i;
INSERT INTO tree VALUES (100, NULL, 'root'), (2, 100, 'two'), (3, 100, 'three');
