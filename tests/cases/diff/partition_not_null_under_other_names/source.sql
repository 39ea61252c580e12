-- NOT NULL comes to a partitioned table; its partition keeps a name of its own
CREATE TABLE m (a int, b int, c text CONSTRAINT cnn NOT NULL, PRIMARY KEY (a, b)) PARTITION BY RANGE (a);
CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (0) TO (9);
CREATE TABLE m2 (c text NOT NULL, b int NOT NULL, a int NOT NULL);
ALTER TABLE m ATTACH PARTITION m2 FOR VALUES FROM (9) TO (19);
