-- a foreign table, its mapping, server and wrapper go; a plain table takes the name
CREATE TABLE public.f (id int);
CREATE VIEW public.v AS SELECT id FROM public.f;
