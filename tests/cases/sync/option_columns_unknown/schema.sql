CREATE TABLE p (id int PRIMARY KEY, a text);
