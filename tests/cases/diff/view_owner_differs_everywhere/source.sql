-- only owners of views, matviews and sequences differ
CREATE TABLE public.t (id int PRIMARY KEY);
CREATE VIEW public.v AS SELECT id FROM public.t;
CREATE MATERIALIZED VIEW public.mv AS SELECT id FROM public.t;
CREATE SEQUENCE public.s;
GRANT SELECT ON public.v TO dbsync_case_reader;
ALTER VIEW public.v OWNER TO dbsync_case_owner;
ALTER MATERIALIZED VIEW public.mv OWNER TO dbsync_case_owner;
ALTER SEQUENCE public.s OWNER TO dbsync_case_owner;
