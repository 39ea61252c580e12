INSERT INTO parent VALUES (1, 'b', 3), (2, 'a', 1), (3, 'c', 2);
