CREATE TABLE public.pg_class (id int PRIMARY KEY, relname text);
CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ''mine''';
CREATE DOMAIN public.text AS pg_catalog.text;
CREATE TABLE public.t (id int PRIMARY KEY, a public.text, b pg_catalog.text);
