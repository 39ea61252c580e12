INSERT INTO parent VALUES (1, 'b'), (2, 'a'), (3, 'c');
INSERT INTO child VALUES ('b', 1, 1), ('b', 2, 1), ('a', 1, 2), ('c', 1, 1);
