CREATE TABLE public.t (id int PRIMARY KEY, "a b" text);
CREATE VIEW public.v AS SELECT id FROM public.t;

INSERT INTO public.t VALUES (1, 'x');
