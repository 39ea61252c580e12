CREATE TABLE public.t (id int PRIMARY KEY, v int, w text);
CREATE VIEW public.v1 AS SELECT id, v AS amount FROM public.t;
CREATE VIEW public.v2 AS SELECT id, amount * 2 AS amount FROM public.v1;
CREATE VIEW public.v3 AS SELECT sum(amount) AS total FROM public.v2;
GRANT SELECT ON public.v3 TO dbsync_case_reader;
GRANT UPDATE (id) ON public.v1 TO dbsync_case_writer;
COMMENT ON COLUMN public.v1.id IS 'the id';
COMMENT ON VIEW public.v3 IS 'sum';
ALTER VIEW public.v3 ALTER total SET DEFAULT 0;

INSERT INTO public.t VALUES (1, 2, 'x');
