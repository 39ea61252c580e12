INSERT INTO parent VALUES (1, 'a', 2), (2, 'b', 2), (3, 'c', 3);
INSERT INTO child VALUES (1, 'a'), (2, 'b');
