-- a domain over varchar becomes one over text: columns, views and functions use it
CREATE DOMAIN public.code AS text COLLATE "C" CHECK (VALUE <> '');
CREATE TABLE public.t (id int PRIMARY KEY, c public.code NOT NULL DEFAULT 'a');
CREATE VIEW public.v AS SELECT c FROM public.t;
CREATE FUNCTION public.f(x public.code) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT length(x)';
