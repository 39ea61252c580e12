CREATE TYPE public.dims AS (w int, h int);
CREATE TABLE public.box (id int PRIMARY KEY, d public.dims);

INSERT INTO public.box VALUES (1, ROW(1, 2)), (2, NULL);
