-- a key becomes temporal, with the foreign key on it
CREATE EXTENSION btree_gist;
CREATE TABLE a (id int, v tstzrange NOT NULL, PRIMARY KEY (id, v WITHOUT OVERLAPS));
CREATE TABLE b (id int, a_id int, v tstzrange, FOREIGN KEY (a_id, PERIOD v) REFERENCES a (id, PERIOD v));
