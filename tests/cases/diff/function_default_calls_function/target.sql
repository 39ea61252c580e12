CREATE FUNCTION public.base() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION public.top(x int DEFAULT public.base()) RETURNS int LANGUAGE sql AS 'SELECT x';
CREATE TABLE public.t (a int DEFAULT public.top());

INSERT INTO public.t VALUES (1);
