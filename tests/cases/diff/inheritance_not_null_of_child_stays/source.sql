-- a parent's column may be empty from now on, its child's may not
CREATE TABLE p (id int, v int);
CREATE TABLE c (id int NOT NULL, v int) INHERITS (p);
CREATE TABLE c2 () INHERITS (p);
