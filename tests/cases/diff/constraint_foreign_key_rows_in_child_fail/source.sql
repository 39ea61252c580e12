-- what a foreign key refers to stands in a child of the table, where the key does not look
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (own int) INHERITS (p);
CREATE TABLE r (id int, CONSTRAINT fk FOREIGN KEY (id) REFERENCES p);
