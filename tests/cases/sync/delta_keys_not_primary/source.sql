ALTER TABLE one_side ADD PRIMARY KEY (id);
ALTER TABLE other_key ADD PRIMARY KEY (a);
INSERT INTO code VALUES (1, 'a'), (2, 'b');
INSERT INTO late VALUES (1, 1), (2, 2);
INSERT INTO one_side VALUES (1, 1), (2, 2);
INSERT INTO nulls VALUES (NULL, 1), (NULL, 1), (2, 2);
INSERT INTO partial VALUES (1, 1), (2, 2);
INSERT INTO expression VALUES ('a', 1), ('b', 2);
INSERT INTO other_key VALUES (1, 1, 1), (2, 2, 2);
