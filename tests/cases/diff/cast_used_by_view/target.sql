CREATE TYPE public.e AS ENUM ('a', 'b', 'z');
CREATE FUNCTION public.e_int(x public.e) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE CAST (public.e AS int) WITH FUNCTION public.e_int(public.e);
CREATE TABLE public.t (v public.e);
CREATE VIEW public.v AS SELECT v::int AS n FROM public.t;

INSERT INTO public.t VALUES ('a');
