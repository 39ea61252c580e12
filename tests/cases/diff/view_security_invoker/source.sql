-- security_invoker comes, goes, and survives a change of the query
CREATE TABLE public.t (id int PRIMARY KEY, a bigint);
CREATE VIEW public.came WITH (security_invoker = on) AS SELECT id FROM public.t;
CREATE VIEW public.went AS SELECT id FROM public.t;
CREATE VIEW public.kept WITH (security_invoker = true, security_barrier = true) AS SELECT a, id FROM public.t;
