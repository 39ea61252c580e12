CREATE TABLE public.t (id int PRIMARY KEY, a int, b text);
CREATE FUNCTION public.one(x int) RETURNS int LANGUAGE sql STABLE BEGIN ATOMIC SELECT a FROM public.t WHERE id = x; END;
CREATE FUNCTION public.two() RETURNS int LANGUAGE sql STABLE RETURN public.one(1) + 1;
CREATE VIEW public.v AS SELECT public.two() AS n;
CREATE FUNCTION public.three() RETURNS int LANGUAGE sql STABLE BEGIN ATOMIC SELECT n FROM public.v; END;

INSERT INTO public.t VALUES (1, 2, 'x');
