CREATE TABLE public.t (id int PRIMARY KEY, a int);

INSERT INTO public.t VALUES (1, 1), (2, 1);
