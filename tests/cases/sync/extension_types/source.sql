CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree;
CREATE TABLE t (id int PRIMARY KEY, h hstore, c citext UNIQUE, l ltree, hs hstore[]);
INSERT INTO t SELECT i, hstore('k"', 'v' || i), 'Name' || i, ('a.b' || i)::ltree, ARRAY[hstore('a', NULL), NULL] FROM generate_series(1, 50) i;
