CREATE TYPE e AS ENUM ('a', 'b', 'c');
CREATE DOMAIN d AS int;
CREATE TABLE g (id int, r e, n d);
CREATE VIEW f AS SELECT id, r, n FROM g;
CREATE TABLE h (id int, r e);
INSERT INTO h VALUES (1, 'b');
