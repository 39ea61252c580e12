CREATE TABLE public.t (id int PRIMARY KEY, a int);
CREATE VIEW public.v AS SELECT id, a FROM public.t;
CREATE FUNCTION public.one() RETURNS public.v LANGUAGE sql STABLE AS 'SELECT * FROM public.v LIMIT 1';
CREATE FUNCTION public.arr(VARIADIC public.v[]) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION public.tab(x public.t, y public.t[] DEFAULT NULL) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
COMMENT ON FUNCTION public.tab(public.t, public.t[]) IS 'row';
