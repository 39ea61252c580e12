CREATE TABLE public.t (id int PRIMARY KEY, a int);
CREATE VIEW public.came AS SELECT id FROM public.t;
CREATE VIEW public.went WITH (security_invoker = true) AS SELECT id FROM public.t;
CREATE VIEW public.kept WITH (security_invoker = true, security_barrier = true) AS SELECT id, a FROM public.t;

INSERT INTO public.t VALUES (1, 1);
