-- keys and foreign keys of a table with children are asked of its own rows alone
CREATE TABLE other (id int PRIMARY KEY);
CREATE TABLE p (id int NOT NULL, o int, CONSTRAINT pk PRIMARY KEY (id), CONSTRAINT fk FOREIGN KEY (o) REFERENCES other);
CREATE TABLE c (own int) INHERITS (p);
CREATE UNIQUE INDEX pi ON p (o);
