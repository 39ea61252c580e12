-- replica identity of plain tables and partitions
CREATE TABLE public.a (id int PRIMARY KEY);
CREATE TABLE public.b (id int NOT NULL, CONSTRAINT b_id UNIQUE (id));
CREATE TABLE public.c (id int) PARTITION BY RANGE (id);
CREATE TABLE public.c1 PARTITION OF public.c FOR VALUES FROM (0) TO (9);
ALTER TABLE public.b REPLICA IDENTITY USING INDEX b_id;
ALTER TABLE public.c1 REPLICA IDENTITY FULL;
