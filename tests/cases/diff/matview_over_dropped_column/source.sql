-- the table beneath a matview loses and changes columns
CREATE TABLE public.t (id int PRIMARY KEY, a bigint, b text);
CREATE MATERIALIZED VIEW public.m AS SELECT id, a, b FROM public.t;
CREATE UNIQUE INDEX m_id ON public.m (id);
