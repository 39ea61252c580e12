-- a partition moves from one partitioned table to another, with a key in both
CREATE TABLE public.a (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE public.b (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE public.p PARTITION OF public.b FOR VALUES FROM (0) TO (20);
