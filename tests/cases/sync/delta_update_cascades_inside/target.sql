INSERT INTO parent VALUES (1, 'a'), (2, 'b'), (3, 'c');
INSERT INTO child VALUES ('a', 1, 1), ('a', 2, 1), ('b', 1, 2), ('c', 1, 1);
