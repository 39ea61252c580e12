CREATE TABLE public.p (id int, k text) PARTITION BY LIST (k);
CREATE TABLE public.kept (id int);
INSERT INTO public.kept VALUES (1);
