CREATE TABLE alike (id int, region text, v int, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE alike_a PARTITION OF alike FOR VALUES IN ('a');
CREATE TABLE alike_b PARTITION OF alike FOR VALUES IN ('b');
CREATE TABLE differs (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE differs_1 PARTITION OF differs FOR VALUES FROM (MINVALUE) TO (100);
CREATE TABLE bare (id int, region text) PARTITION BY LIST (region);
CREATE TABLE bare_a PARTITION OF bare FOR VALUES IN ('a');
CREATE TABLE bare_b PARTITION OF bare DEFAULT;
