-- an attribute is added to and dropped from a type that a table stores
CREATE TYPE public.dims AS (w numeric, h numeric, unit text);
CREATE TABLE public.box (id int PRIMARY KEY, d public.dims, ds public.dims[]);
CREATE VIEW public.wide AS SELECT id, (d).w AS w FROM public.box WHERE (d).w > 10;
