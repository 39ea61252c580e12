CREATE TABLE t (id int PRIMARY KEY, plain text NOT NULL, v text);
CREATE TABLE u (id int PRIMARY KEY, t int REFERENCES t);
INSERT INTO t SELECT i, repeat('plain' || i, 800), repeat('v' || i, 3000) || (SELECT string_agg(md5(i || ' ' || g), '') FROM generate_series(1, 400) g)
  FROM generate_series(1, 60) i;
INSERT INTO u SELECT i, i FROM generate_series(1, 60) i;
