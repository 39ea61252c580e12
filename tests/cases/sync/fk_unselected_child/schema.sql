CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE);
INSERT INTO parent SELECT generate_series(1, 9);
INSERT INTO child SELECT i, i FROM generate_series(1, 9) i;
