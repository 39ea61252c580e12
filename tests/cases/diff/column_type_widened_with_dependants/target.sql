CREATE FUNCTION public.plus(x bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT x + 1';
CREATE TABLE public.p (id int PRIMARY KEY, v int CHECK (v > 0), c varchar(10));
CREATE TABLE public.c (id int PRIMARY KEY, p int REFERENCES public.p ON DELETE CASCADE);
CREATE VIEW public.v1 AS SELECT p.id, p.v, p.c FROM public.p;
CREATE VIEW public.v2 WITH (security_barrier = true) AS SELECT v1.id, public.plus(v1.v) AS w FROM public.v1;
COMMENT ON VIEW public.v2 IS 'second';
GRANT SELECT ON public.v2 TO dbsync_case_reader;
ALTER VIEW public.v2 OWNER TO dbsync_case_owner;
CREATE MATERIALIZED VIEW public.mv AS SELECT v1.id, v1.v FROM public.v1;
CREATE UNIQUE INDEX mv_id ON public.mv (id);
COMMENT ON INDEX public.mv_id IS 'for refresh';
CREATE INDEX p_expr ON public.p ((v + 1)) WHERE v < 1000;

INSERT INTO public.p VALUES (1, 5, 'x'); INSERT INTO public.c VALUES (1, 1); REFRESH MATERIALIZED VIEW public.mv;
