CREATE TABLE public.t (id int PRIMARY KEY, a int, b text, c date);
CREATE VIEW public.at_end AS SELECT id FROM public.t;
CREATE VIEW public.middle AS SELECT id, c FROM public.t;
CREATE VIEW public.removed AS SELECT id, a, b FROM public.t;
CREATE VIEW public.retyped AS SELECT id, a FROM public.t;
CREATE VIEW public.on_top AS SELECT m.c, r.id FROM public.middle m, public.removed r;

INSERT INTO public.t VALUES (1, 1, 'b', '2020-01-01');
