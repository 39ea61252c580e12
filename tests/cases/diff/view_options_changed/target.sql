CREATE TABLE public.t (id int PRIMARY KEY, a int);
CREATE VIEW public.a WITH (security_barrier = true) AS SELECT id, a FROM public.t WHERE a > 0;
CREATE VIEW public.b AS SELECT id, a FROM public.t WHERE a > 0 WITH LOCAL CHECK OPTION;
CREATE VIEW public.c AS SELECT id, a FROM public.t WHERE a > 0;
CREATE VIEW public.d AS SELECT id, a FROM public.a;
ALTER VIEW public.d ALTER a SET DEFAULT 5;
