CREATE SEQUENCE public.s AS int;
CREATE VIEW public.v AS SELECT last_value FROM public.s;
CREATE FUNCTION public.n() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT nextval('public.s'::regclass); END;
CREATE TABLE public.t (id int DEFAULT public.n());

INSERT INTO public.t VALUES (1);
