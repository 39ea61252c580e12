CREATE COLLATION public.old_c FROM "C";
CREATE TABLE public.t (id int PRIMARY KEY, a text COLLATE public.old_c, b text);
CREATE INDEX t_a ON public.t (a);
CREATE VIEW public.v AS SELECT a, b FROM public.t;

INSERT INTO public.t VALUES (1, 'a', 'b');
