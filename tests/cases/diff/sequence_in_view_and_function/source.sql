-- sequences read by views and SQL bodies change type and name of their schema
CREATE SEQUENCE public.s AS bigint MAXVALUE 5000000000;
CREATE SEQUENCE public.s2;
CREATE VIEW public.v AS SELECT s.last_value, s2.is_called FROM public.s, public.s2;
CREATE FUNCTION public.n() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT nextval('public.s2'::regclass); END;
CREATE TABLE public.t (id int DEFAULT public.n());
