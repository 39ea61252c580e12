-- functions take and return a table's row type; the table gets and loses columns
CREATE TABLE public.person (id int PRIMARY KEY, first text, last text NOT NULL, born date);
CREATE FUNCTION public.full_name(p public.person) RETURNS text LANGUAGE sql STABLE AS $$ SELECT p.last || ', ' || p.first $$;
CREATE FUNCTION public.all_people() RETURNS SETOF public.person LANGUAGE sql STABLE AS $$ SELECT * FROM public.person $$;
CREATE VIEW public.names AS SELECT public.full_name(p) AS name FROM public.person p;
