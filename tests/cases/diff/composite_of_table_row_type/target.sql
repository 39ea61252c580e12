CREATE TABLE public.person (id int PRIMARY KEY, first text, last text, shoe int);
CREATE FUNCTION public.full_name(p public.person) RETURNS text LANGUAGE sql STABLE AS $$ SELECT p.first || ' ' || p.last $$;
CREATE FUNCTION public.all_people() RETURNS SETOF public.person LANGUAGE sql STABLE AS $$ SELECT * FROM public.person $$;
CREATE VIEW public.names AS SELECT public.full_name(p) AS name FROM public.person p;

INSERT INTO public.person VALUES (1, 'A', 'B', 42);
