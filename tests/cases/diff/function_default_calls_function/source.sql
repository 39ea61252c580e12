-- an argument's default calls another function, which changes its signature
CREATE FUNCTION public.base(n int DEFAULT 2) RETURNS int LANGUAGE sql AS 'SELECT n';
CREATE FUNCTION public.top(x int DEFAULT public.base(3)) RETURNS int LANGUAGE sql AS 'SELECT x';
CREATE TABLE public.t (a int DEFAULT public.top());
