INSERT INTO parent VALUES (101, 'a', 1), (2, 'b', 2);
INSERT INTO child VALUES (1, 101, 'kept'), (2, 2, 'kept');
