CREATE TABLE t (id int PRIMARY KEY, thrice int GENERATED ALWAYS AS (id * 3 + id / 50) STORED);
