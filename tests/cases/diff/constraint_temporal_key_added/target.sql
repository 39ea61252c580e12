CREATE EXTENSION btree_gist;
CREATE TABLE a (id int, v tstzrange NOT NULL, PRIMARY KEY (id));
CREATE TABLE b (id int, a_id int REFERENCES a, v tstzrange);
