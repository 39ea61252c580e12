CREATE TABLE public.p (id int, k text) PARTITION BY LIST (k);
CREATE TABLE public.a PARTITION OF public.p FOR VALUES IN ('a');
CREATE TABLE public.b PARTITION OF public.p FOR VALUES IN ('b');
CREATE TABLE public.q (id int);
CREATE TABLE public.c () INHERITS (public.q);
INSERT INTO public.p VALUES (1, 'a'); INSERT INTO public.c VALUES (3);
