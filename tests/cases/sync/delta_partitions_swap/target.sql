INSERT INTO t VALUES (1, 'a', 1), (2, 'a', 2), (1, 'b', 1);
INSERT INTO child VALUES (1, 'a', 1), (2, 'a', 2);
