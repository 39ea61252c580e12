CREATE TABLE public.p (id int, k text) PARTITION BY LIST (k);
CREATE TABLE public.a PARTITION OF public.p FOR VALUES IN ('a');
INSERT INTO public.p VALUES (1, 'a');
