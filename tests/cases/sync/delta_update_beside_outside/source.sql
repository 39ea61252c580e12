INSERT INTO parent VALUES (1, 'a', 1), (2, 'b', 2), (3, 'z', 3);
