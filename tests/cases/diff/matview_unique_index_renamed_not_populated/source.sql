-- the unique index of a materialised view WITH NO DATA is made anew: there are no rows to ask
CREATE TABLE public.t (id int PRIMARY KEY);
CREATE MATERIALIZED VIEW public.m AS SELECT id FROM public.t WITH NO DATA;
CREATE UNIQUE INDEX m_other ON public.m (id) INCLUDE (id) WHERE id > 0;
CREATE UNIQUE INDEX m_third ON public.m (id);
