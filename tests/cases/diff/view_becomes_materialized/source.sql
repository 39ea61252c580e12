-- a view becomes a matview and a matview becomes a view; others use both
CREATE TABLE public.t (id int PRIMARY KEY, a int);
CREATE MATERIALIZED VIEW public.x AS SELECT id, a FROM public.t;
CREATE UNIQUE INDEX x_id ON public.x (id);
CREATE VIEW public.y AS SELECT id, a FROM public.t;
CREATE VIEW public.z AS SELECT x.id, y.a FROM public.x JOIN public.y USING (id);
GRANT SELECT ON public.x, public.y, public.z TO dbsync_case_reader;
