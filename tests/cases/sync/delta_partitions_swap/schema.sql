CREATE TABLE t (id int, region text, code int, PRIMARY KEY (region, id), UNIQUE (region, code)) PARTITION BY LIST (region);
CREATE TABLE t_a PARTITION OF t FOR VALUES IN ('a');
CREATE TABLE t_b PARTITION OF t FOR VALUES IN ('b');
CREATE TABLE child (id int PRIMARY KEY, region text, t int, FOREIGN KEY (region, t) REFERENCES t ON DELETE CASCADE);
