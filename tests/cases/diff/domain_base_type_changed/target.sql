CREATE DOMAIN public.code AS varchar(10) CHECK (VALUE <> '');
CREATE TABLE public.t (id int PRIMARY KEY, c public.code NOT NULL DEFAULT 'a');
CREATE VIEW public.v AS SELECT c FROM public.t;
CREATE FUNCTION public.f(x public.code) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT length(x)';

INSERT INTO public.t VALUES (1, 'abc');
