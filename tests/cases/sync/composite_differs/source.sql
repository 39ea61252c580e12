CREATE TYPE d AS (a int, b int);
    CREATE TABLE t (id int PRIMARY KEY, v d, vs d[]); INSERT INTO t VALUES (1, NULL, NULL);
