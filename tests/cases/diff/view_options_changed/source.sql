-- security_barrier, check option, column defaults of views
CREATE TABLE public.t (id int PRIMARY KEY, a int);
CREATE VIEW public.a AS SELECT id, a FROM public.t WHERE a > 0;
CREATE VIEW public.b AS SELECT id, a FROM public.t WHERE a > 0 WITH CASCADED CHECK OPTION;
CREATE VIEW public.c WITH (security_barrier = true) AS SELECT id, a FROM public.t WHERE a > 0 WITH LOCAL CHECK OPTION;
CREATE VIEW public.d WITH (security_barrier = false) AS SELECT id, a FROM public.a;
ALTER VIEW public.d ALTER id SET DEFAULT 7;
