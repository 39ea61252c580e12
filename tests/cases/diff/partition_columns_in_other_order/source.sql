-- partitions whose columns stand in another order are attached, retyped, and get keys
CREATE TABLE m (a int NOT NULL, b bigint, c varchar(40), CONSTRAINT mk PRIMARY KEY (a)) PARTITION BY RANGE (a);
CREATE TABLE m1 (c varchar(40), gone int, a int NOT NULL, b bigint);
ALTER TABLE m1 DROP gone;
ALTER TABLE m ATTACH PARTITION m1 FOR VALUES FROM (0) TO (10);
CREATE INDEX mi ON m (c, (b + 1)) WHERE b > 0;
CREATE TABLE m2 PARTITION OF m FOR VALUES FROM (10) TO (20);
CREATE TABLE r (a int REFERENCES m);
