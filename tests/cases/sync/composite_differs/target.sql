CREATE TYPE d AS (b int, a int);
    CREATE TABLE t (id int PRIMARY KEY, v d, vs d[]);
