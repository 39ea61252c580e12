CREATE TABLE public.t (id int PRIMARY KEY, a int);
CREATE MATERIALIZED VIEW public.m WITH (fillfactor = 50) AS SELECT id, a FROM public.t;
CREATE INDEX m_a ON public.m (a);
