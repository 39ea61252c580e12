-- aggregates: state function, initial value, final function, ordered set, sort operator; a view uses one
CREATE TABLE public.t (id int PRIMARY KEY, a int);
CREATE FUNCTION public.step(s int, x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT s + x';
CREATE FUNCTION public.step2(s int, x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT s * x';
CREATE FUNCTION public.fin(s int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT s::text';
CREATE AGGREGATE public.total(int) (SFUNC = public.step2, STYPE = int, INITCOND = '1', FINALFUNC = public.fin, PARALLEL = SAFE, COMBINEFUNC = public.step);
CREATE AGGREGATE public.came(float8 ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
CREATE VIEW public.v AS SELECT public.total(a) AS n FROM public.t;
COMMENT ON AGGREGATE public.total(int) IS 'product';
ALTER AGGREGATE public.total(int) OWNER TO dbsync_case_owner;
