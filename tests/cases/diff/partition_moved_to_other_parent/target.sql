CREATE TABLE public.a (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE public.b (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE public.p PARTITION OF public.a FOR VALUES FROM (0) TO (10);

INSERT INTO public.a VALUES (1, 'x');
