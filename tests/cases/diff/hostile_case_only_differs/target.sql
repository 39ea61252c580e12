CREATE TABLE public.t (id int PRIMARY KEY, a int, "A" int);
CREATE TABLE public."T" (id int PRIMARY KEY);
CREATE INDEX "T_a" ON public.t (a);
CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1';

INSERT INTO public.t VALUES (1, 2, 3);
