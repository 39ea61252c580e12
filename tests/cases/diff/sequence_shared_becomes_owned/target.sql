CREATE SEQUENCE s;
CREATE TABLE a (id int DEFAULT nextval('s'));
CREATE TABLE b (id int DEFAULT nextval('s'));
CREATE VIEW v AS SELECT nextval('s') AS n;
