-- functions return rows of a view and of a dropped table; the view gets another column in the middle
CREATE TABLE public.t2 (id int PRIMARY KEY, a int);
CREATE VIEW public.v AS SELECT id, 5 AS five, a FROM public.t2;
CREATE FUNCTION public.one() RETURNS public.v LANGUAGE sql STABLE AS 'SELECT * FROM public.v LIMIT 1';
CREATE FUNCTION public.arr(VARIADIC public.v[]) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION public.tab(x public.t2, y public.t2[] DEFAULT NULL) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
COMMENT ON FUNCTION public.tab(public.t2, public.t2[]) IS 'row';
