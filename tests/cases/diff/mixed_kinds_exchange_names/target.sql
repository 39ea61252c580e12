CREATE TABLE public.a (id int);
CREATE VIEW public.b AS SELECT 1 AS id;
CREATE SEQUENCE public.c;
CREATE INDEX d ON public.a (id);
CREATE MATERIALIZED VIEW public.e AS SELECT 1 AS id;
CREATE TYPE public.f AS (x int);
CREATE FUNCTION public.g() RETURNS int LANGUAGE sql AS 'SELECT 1';
