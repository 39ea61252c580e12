CREATE TABLE public.t (id int PRIMARY KEY, a int);
CREATE VIEW public.x AS SELECT id, a FROM public.t;
CREATE MATERIALIZED VIEW public.y AS SELECT id, a FROM public.t;
CREATE INDEX y_a ON public.y (a);
CREATE VIEW public.z AS SELECT x.id, y.a FROM public.x JOIN public.y USING (id);
GRANT SELECT ON public.x, public.y, public.z TO dbsync_case_reader;

INSERT INTO public.t VALUES (1, 1);
