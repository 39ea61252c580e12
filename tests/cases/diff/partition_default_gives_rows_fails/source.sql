-- a new partition is for rows that stand in the default one
CREATE TABLE m (k int) PARTITION BY LIST (k);
CREATE TABLE md PARTITION OF m DEFAULT;
CREATE TABLE m5 PARTITION OF m FOR VALUES IN (5);
