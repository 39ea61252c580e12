CREATE TYPE d AS RANGE (subtype = int4);
    CREATE TABLE t (id int PRIMARY KEY, v d, vs d[]); INSERT INTO t VALUES (1, NULL, NULL);
