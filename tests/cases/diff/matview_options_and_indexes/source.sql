-- storage options, indexes, owner of a matview change, its query does not
CREATE TABLE public.t (id int PRIMARY KEY, a int);
CREATE MATERIALIZED VIEW public.m WITH (fillfactor = 60, autovacuum_enabled = false) AS SELECT id, a FROM public.t;
CREATE UNIQUE INDEX m_id ON public.m (id);
CREATE INDEX m_a ON public.m (a DESC);
ALTER MATERIALIZED VIEW public.m ALTER a SET (n_distinct = 3);
