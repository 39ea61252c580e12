CREATE DOMAIN d AS int CHECK (VALUE > 5);
    CREATE TABLE t (id int PRIMARY KEY, v d, vs d[]);
