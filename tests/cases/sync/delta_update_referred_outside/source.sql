INSERT INTO first VALUES (1, 1);
INSERT INTO parent VALUES (1, 'a', 1), (2, 'z', 2), (3, 'y', 2), (4, NULL, 1);
