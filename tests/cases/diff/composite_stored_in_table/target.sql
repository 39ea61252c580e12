CREATE TYPE public.dims AS (w numeric, h numeric, old text);
CREATE TABLE public.box (id int PRIMARY KEY, d public.dims, ds public.dims[]);
CREATE VIEW public.wide AS SELECT id, (d).w AS w FROM public.box WHERE (d).w > 10;

INSERT INTO public.box VALUES (1, ROW(1, 2, NULL), NULL), (2, NULL, NULL);
