-- comments on what partitions and children have of their parents
CREATE TABLE p (id int PRIMARY KEY, k int, CONSTRAINT c CHECK (id > 0)) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9);
COMMENT ON CONSTRAINT c ON p1 IS 'a copy';
COMMENT ON CONSTRAINT p1_pkey ON p1 IS 'a key';
COMMENT ON INDEX p1_pkey IS 'an index';
