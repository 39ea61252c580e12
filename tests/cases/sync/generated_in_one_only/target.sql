CREATE TABLE t (id int PRIMARY KEY, twice int, thrice int GENERATED ALWAYS AS (id * 3) STORED);
