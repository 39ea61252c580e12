CREATE TABLE public.t (id int PRIMARY KEY, a int, b text);
CREATE TABLE public.ref (id int PRIMARY KEY);
CREATE VIEW public.v AS SELECT id, a FROM public.t;
CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';

INSERT INTO public.t VALUES (1, 1, 'x');
