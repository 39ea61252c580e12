-- an enum loses a label while a partition key, a primary key and foreign keys in both directions hold it
CREATE TYPE e AS ENUM ('b','a');
CREATE TABLE kinds (k e PRIMARY KEY, label text);
CREATE TABLE p (k e NOT NULL REFERENCES kinds, n int, PRIMARY KEY (k, n)) PARTITION BY LIST (k);
CREATE TABLE p_a PARTITION OF p FOR VALUES IN ('a');
CREATE TABLE p_bc PARTITION OF p FOR VALUES IN ('b');
CREATE TABLE child (k e, n int, FOREIGN KEY (k, n) REFERENCES p ON DELETE CASCADE);
