INSERT INTO t VALUES (1, 'a', 1), (2, 'a', -2), (3, 'b', -3), (8, 'a', 8), (9, 'b', 9);
