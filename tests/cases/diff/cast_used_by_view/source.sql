-- a view uses a cast whose function changes its signature's type
CREATE TYPE public.e AS ENUM ('b', 'a');
CREATE FUNCTION public.e_int(y public.e) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 3';
CREATE CAST (public.e AS int) WITH FUNCTION public.e_int(public.e) AS ASSIGNMENT;
CREATE TABLE public.t (v public.e);
CREATE VIEW public.v AS SELECT v::int AS n FROM public.t;
