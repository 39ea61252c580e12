-- a value that does not fit stands in a partition of the table whose column is narrowed
CREATE TABLE m (k int, v smallint, s varchar(3)) PARTITION BY LIST (k);
CREATE TABLE m1 PARTITION OF m FOR VALUES IN (1);
