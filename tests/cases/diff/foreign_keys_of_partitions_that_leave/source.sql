-- a referenced partition leaves its parent, a referencing one comes, and keys point at a partition itself
CREATE TABLE r (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE r1 PARTITION OF r FOR VALUES IN (1);
CREATE TABLE r2 (id int, k int, CONSTRAINT r2_pkey PRIMARY KEY (id, k));
CREATE TABLE a (id int, k int, CONSTRAINT af FOREIGN KEY (id, k) REFERENCES r) PARTITION BY LIST (k);
CREATE TABLE a1 PARTITION OF a FOR VALUES IN (1);
CREATE TABLE a2 PARTITION OF a FOR VALUES IN (2);
CREATE TABLE b (id int, k int, CONSTRAINT bf FOREIGN KEY (id, k) REFERENCES r2);
