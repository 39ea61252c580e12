CREATE SCHEMA dbsync; CREATE TABLE dbsync.mine (id int PRIMARY KEY, v text); CREATE TABLE a (id int PRIMARY KEY);
