CREATE TABLE t (id int, v text); CREATE TABLE fine (id int PRIMARY KEY);
