-- a child has one column of two parents and leaves one of them, another comes to a second parent
CREATE TABLE a (id int, x text NOT NULL, CONSTRAINT c CHECK (id > 0));
CREATE TABLE b (id int, x text, y int);
CREATE TABLE k (own int) INHERITS (b);
ALTER TABLE k ALTER x SET NOT NULL;
CREATE TABLE l (own int, y int) INHERITS (a, b);
