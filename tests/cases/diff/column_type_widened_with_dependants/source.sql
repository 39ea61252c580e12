-- int to bigint under a view, a view on it, a matview with an index, a function, an FK and a check
CREATE FUNCTION public.plus(x bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT x + 1';
CREATE TABLE public.p (id bigint PRIMARY KEY, v bigint CHECK (v > 0), c varchar(20));
CREATE TABLE public.c (id int PRIMARY KEY, p bigint REFERENCES public.p ON DELETE CASCADE);
CREATE VIEW public.v1 AS SELECT p.id, p.v, p.c FROM public.p;
CREATE VIEW public.v2 WITH (security_barrier = true) AS SELECT v1.id, public.plus(v1.v) AS w FROM public.v1;
COMMENT ON VIEW public.v2 IS 'second';
GRANT SELECT ON public.v2 TO dbsync_case_reader;
ALTER VIEW public.v2 OWNER TO dbsync_case_owner;
CREATE MATERIALIZED VIEW public.mv AS SELECT v1.id, v1.v FROM public.v1;
CREATE UNIQUE INDEX mv_id ON public.mv (id);
COMMENT ON INDEX public.mv_id IS 'for refresh';
CREATE INDEX p_expr ON public.p ((v + 1)) WHERE v < 1000;
