INSERT INTO t VALUES (1, 'a', 1), (2, 'a', 1), (3, 'b', 2);
