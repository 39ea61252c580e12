CREATE TABLE public.r (id int PRIMARY KEY);
CREATE TABLE public.m (id int, r int) PARTITION BY RANGE (id);
CREATE TABLE public.m1 PARTITION OF public.m FOR VALUES FROM (0) TO (10);

INSERT INTO public.m VALUES (1, 99);
