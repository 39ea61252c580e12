CREATE TABLE event (id int, day int, v text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM (0) TO (10);
CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM (10) TO (20);
CREATE INDEX tree ON event (v);
CREATE INDEX leaf_only ON event_1 (lower(v));
COMMENT ON INDEX leaf_only IS 'kept';
CREATE TABLE plain (id int PRIMARY KEY, v text); CREATE INDEX by_v ON plain (v); CREATE STATISTICS s ON id, v FROM plain;
