CREATE TYPE c AS (x int, y int); CREATE DOMAIN d AS c;
CREATE TABLE t (id int PRIMARY KEY, a c, b c, e d, f d, v text);
