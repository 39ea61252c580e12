CREATE TABLE public.t (id int PRIMARY KEY, a int);
CREATE FUNCTION public.step(s int, x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT s + x';
CREATE FUNCTION public.step2(s int, x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT s * x';
CREATE FUNCTION public.fin(s int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT s::text';
CREATE AGGREGATE public.total(int) (SFUNC = public.step, STYPE = int, INITCOND = '0');
CREATE AGGREGATE public.gone(int) (SFUNC = public.step, STYPE = int);
CREATE VIEW public.v AS SELECT public.total(a) AS n FROM public.t;

INSERT INTO public.t VALUES (1, 2);
