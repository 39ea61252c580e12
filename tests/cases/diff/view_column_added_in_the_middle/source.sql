-- columns added at the end and in the middle, removed, and of another type
CREATE TABLE public.t (id int PRIMARY KEY, a int, b text, c date);
CREATE VIEW public.at_end AS SELECT id, a FROM public.t;
CREATE VIEW public.middle AS SELECT id, b, c FROM public.t;
CREATE VIEW public.removed AS SELECT id, b FROM public.t;
CREATE VIEW public.retyped AS SELECT id, a::text AS a FROM public.t;
CREATE VIEW public.on_top AS SELECT m.c, r.id FROM public.middle m, public.removed r;
