CREATE EXTENSION btree_gist;
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent int, CONSTRAINT loose FOREIGN KEY (parent) REFERENCES parent NOT ENFORCED, CHECK (id > 1000) NOT ENFORCED);
COMMENT ON CONSTRAINT loose ON child IS 'kept';
CREATE TABLE room (id int, during tstzrange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
CREATE TABLE booking (id int PRIMARY KEY, room int, during tstzrange, FOREIGN KEY (room, PERIOD during) REFERENCES room (id, PERIOD during));
CREATE TABLE lax (id int PRIMARY KEY, v int);
