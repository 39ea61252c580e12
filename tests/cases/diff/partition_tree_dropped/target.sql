CREATE TABLE public.m (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE public.m1 PARTITION OF public.m FOR VALUES FROM (0) TO (10);
CREATE TABLE public.m2 PARTITION OF public.m FOR VALUES FROM (10) TO (20);
CREATE TABLE public.c (m int REFERENCES public.m);
CREATE VIEW public.v AS SELECT * FROM public.m;

INSERT INTO public.m VALUES (1, 'a'), (11, 'b'); INSERT INTO public.c VALUES (1);
