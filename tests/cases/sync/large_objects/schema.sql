CREATE TABLE picture (id int PRIMARY KEY, content oid);
