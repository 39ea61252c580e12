-- named NOT NULL constraints are renamed, validated, commented and inherited
CREATE TABLE t (a int NOT NULL, b int CONSTRAINT bee NOT NULL, c int CONSTRAINT cn NOT NULL NO INHERIT, d int CONSTRAINT dn NOT NULL, e int CONSTRAINT en NOT NULL);
COMMENT ON CONSTRAINT bee ON t IS 'named';
CREATE TABLE m (a int, b int CONSTRAINT allofthem NOT NULL) PARTITION BY LIST (a);
CREATE TABLE m1 PARTITION OF m FOR VALUES IN (1);
