CREATE TABLE public.t (id int PRIMARY KEY, z text);
CREATE VIEW public.v AS SELECT * FROM public.t;
CREATE VIEW public.w AS SELECT v.*, 1 AS one FROM public.v;

INSERT INTO public.t VALUES (1, 'z');
