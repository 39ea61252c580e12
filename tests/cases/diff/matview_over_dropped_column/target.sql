CREATE TABLE public.t (id int PRIMARY KEY, a int, b varchar(5), gone int);
CREATE MATERIALIZED VIEW public.m AS SELECT id, a, b, gone FROM public.t;
CREATE UNIQUE INDEX m_id ON public.m (id);

INSERT INTO public.t VALUES (1, 1, 'x', 1); REFRESH MATERIALIZED VIEW public.m;
