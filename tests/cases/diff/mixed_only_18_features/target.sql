CREATE TABLE public.p (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE public.p1 PARTITION OF public.p FOR VALUES FROM (0) TO (10);
CREATE TABLE public.t (id int, n int NOT NULL, p int, g int);
CREATE PUBLICATION pub FOR TABLE public.t;

INSERT INTO public.p VALUES (1); INSERT INTO public.t VALUES (1, 1, 1, 1);
