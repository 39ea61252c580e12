CREATE COLLATION public.c (LOCALE = 'C');
CREATE TABLE public.t (id int PRIMARY KEY, a text COLLATE public.c UNIQUE);

INSERT INTO public.t VALUES (1, 'a');
