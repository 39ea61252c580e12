-- SQL-standard bodies hold real dependencies on tables, columns, functions and views
CREATE TABLE public.t (id int PRIMARY KEY, a bigint, c text);
CREATE FUNCTION public.one(x int) RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT a FROM public.t WHERE id = x; END;
CREATE FUNCTION public.two() RETURNS bigint LANGUAGE sql STABLE RETURN public.one(1) + 1;
CREATE VIEW public.v AS SELECT public.two() AS n;
CREATE FUNCTION public.three() RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT n FROM public.v; END;
CREATE PROCEDURE public.put(i int) LANGUAGE sql BEGIN ATOMIC INSERT INTO public.t (id, c) VALUES (i, 'x''$$%'); DELETE FROM public.t WHERE id = i - 1; END;
