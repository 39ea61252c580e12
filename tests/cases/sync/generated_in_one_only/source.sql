CREATE TABLE t (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED, thrice int);
INSERT INTO t (id, thrice) SELECT i, i * 3 FROM generate_series(1, 50) i;
