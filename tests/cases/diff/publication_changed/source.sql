-- publications: tables, operations, options, all tables
CREATE TABLE public.a (id int PRIMARY KEY, v text);
CREATE TABLE public.b (id int PRIMARY KEY, v text);
CREATE PUBLICATION p1 FOR TABLE public.b;
CREATE PUBLICATION p2 FOR TABLE public.b WITH (publish = 'insert, update, delete', publish_via_partition_root = true);
CREATE PUBLICATION "All Of It" FOR ALL TABLES WITH (publish = 'truncate');
COMMENT ON PUBLICATION p1 IS 'b';
