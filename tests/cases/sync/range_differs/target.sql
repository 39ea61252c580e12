CREATE TYPE d AS RANGE (subtype = int8);
    CREATE TABLE t (id int PRIMARY KEY, v d, vs d[]);
