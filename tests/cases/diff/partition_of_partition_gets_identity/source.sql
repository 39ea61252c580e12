-- the topmost table loses its identity while a partition of its partition comes from elsewhere
CREATE TABLE public.p (id int NOT NULL, k int, l int) PARTITION BY LIST (k);
CREATE TABLE public.q PARTITION OF public.p FOR VALUES IN (1) PARTITION BY LIST (l);
CREATE TABLE public.r PARTITION OF public.q FOR VALUES IN (1);
