INSERT INTO parent VALUES (1, 'a', 1), (2, 'x', 20), (4, 'd', 4);
INSERT INTO child VALUES (1, 1, 'same'), (2, 2, 'new'), (4, 4, 'new');
