-- a table comes under the name of a view, with columns of an enum and a domain that change at once, and a view under a table's
CREATE TYPE e AS ENUM ('b', 'c');
CREATE DOMAIN d AS bigint;
CREATE TABLE f (id int PRIMARY KEY, r e DEFAULT 'b', n d);
CREATE TABLE h (id int, r e);
CREATE VIEW g AS SELECT id, r FROM h;
