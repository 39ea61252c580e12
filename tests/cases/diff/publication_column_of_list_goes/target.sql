CREATE TABLE t (id int PRIMARY KEY, gone int, n int, s text);
CREATE TABLE u (id int PRIMARY KEY, n int, s text);
CREATE PUBLICATION p FOR TABLE t (id, gone, n) WHERE (n > 3), TABLE u (id, n);
INSERT INTO t VALUES (1, 1, 1, 'a');
