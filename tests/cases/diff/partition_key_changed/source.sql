-- another partition key: Postgres has no way but a new table
CREATE TABLE public.m (id int NOT NULL, k text NOT NULL) PARTITION BY RANGE (id, lower(k));
CREATE TABLE public.m1 PARTITION OF public.m FOR VALUES FROM (0, MINVALUE) TO (100, MAXVALUE);
