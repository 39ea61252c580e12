-- temporal keys and their foreign keys over columns that change their type
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE TABLE r (id bigint, at tstzrange, x text, CONSTRAINT rp PRIMARY KEY (id, at WITHOUT OVERLAPS), CONSTRAINT ru UNIQUE (x, at WITHOUT OVERLAPS));
CREATE TABLE b (id int PRIMARY KEY, r bigint, at tstzrange, CONSTRAINT bf FOREIGN KEY (r, PERIOD at) REFERENCES r (id, PERIOD at), CONSTRAINT bu UNIQUE (id, at WITHOUT OVERLAPS));
