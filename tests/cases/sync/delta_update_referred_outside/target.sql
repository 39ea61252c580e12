INSERT INTO first VALUES (1, 2);
INSERT INTO parent VALUES (1, 'a', 2), (2, 'b', 2), (3, 'c', 2), (4, NULL, 2);
INSERT INTO child VALUES (1, 'a'), (2, 'b'), (3, NULL);
