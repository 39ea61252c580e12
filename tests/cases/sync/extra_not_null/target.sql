CREATE TABLE t (a int, needed text NOT NULL);
