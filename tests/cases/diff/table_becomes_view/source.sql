-- a name is a table before and a view after
CREATE TABLE public.base (id int PRIMARY KEY, v int);
CREATE VIEW public.report AS SELECT id, v FROM public.base;
CREATE FUNCTION public.f() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM public.report';
