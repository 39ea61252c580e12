CREATE TABLE a (id int, x text NOT NULL, CONSTRAINT c CHECK (id > 0));
CREATE TABLE b (id int, x text, y int);
CREATE TABLE k (own int) INHERITS (a, b);
CREATE TABLE l (own int) INHERITS (a);
ALTER TABLE l ADD y int;
INSERT INTO k VALUES (1, 'x', 2, 3); INSERT INTO l VALUES (1, 'x', 2, 3);
