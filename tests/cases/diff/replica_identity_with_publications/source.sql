-- replica identities change while publications get filters and schemas
CREATE TABLE a (id int PRIMARY KEY, x int NOT NULL, y text);
CREATE UNIQUE INDEX ax ON a (x);
CREATE TABLE b (id int PRIMARY KEY);
CREATE SCHEMA z;
ALTER TABLE a REPLICA IDENTITY FULL;
ALTER TABLE b REPLICA IDENTITY NOTHING;
CREATE PUBLICATION p1 FOR TABLE a WHERE (id > 5), TABLES IN SCHEMA z WITH (publish_via_partition_root = true);
ALTER PUBLICATION p1 OWNER TO postgres;
CREATE PUBLICATION p2 FOR TABLE b;
