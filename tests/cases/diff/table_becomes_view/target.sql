CREATE TABLE public.base (id int PRIMARY KEY, v int);
CREATE TABLE public.report (id int, v int);
CREATE FUNCTION public.f() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM public.report';

INSERT INTO public.base VALUES (1, 1);
