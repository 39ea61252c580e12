-- own objects with the names of built-in ones: a search_path that is not empty would pick the wrong one
CREATE TABLE public.pg_class (id int PRIMARY KEY, relname text NOT NULL);
CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ''mine''';
CREATE DOMAIN public.text AS pg_catalog.text;
CREATE DOMAIN public.int4 AS bigint;
CREATE TABLE public.t (id int PRIMARY KEY, a pg_catalog.text, b public.text, c public.int4, CONSTRAINT c CHECK (public.lower(a::pg_catalog.text) <> pg_catalog.lower(a::pg_catalog.text)));
CREATE INDEX t_lower ON public.t (public.lower(a));
