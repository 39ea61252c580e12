-- virtual generated columns over retyped columns, in partitions and children, and checks
CREATE TABLE t (id int, a bigint, g bigint GENERATED ALWAYS AS (a * 3) VIRTUAL, CONSTRAINT gc CHECK (g > 0));
CREATE TABLE tc (g bigint GENERATED ALWAYS AS (a * 4) VIRTUAL) INHERITS (t);
CREATE TABLE m (k int, a bigint, g bigint GENERATED ALWAYS AS (a + 1) VIRTUAL) PARTITION BY LIST (k);
CREATE TABLE m1 PARTITION OF m FOR VALUES IN (1);
CREATE VIEW v AS SELECT g FROM m;
CREATE VIEW w AS SELECT a, g FROM m1;
