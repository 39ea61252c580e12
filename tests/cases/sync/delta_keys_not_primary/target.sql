INSERT INTO code VALUES (1, 'a'), (3, 'b');
INSERT INTO late VALUES (1, 2), (2, 1);
INSERT INTO one_side VALUES (1, 1), (2, 3);
INSERT INTO nulls VALUES (NULL, 1), (NULL, 1), (2, 3);
INSERT INTO partial VALUES (1, 1), (2, 3);
INSERT INTO expression VALUES ('a', 1), ('b', 3);
INSERT INTO other_key VALUES (1, 1, 1), (1, 2, 2);
