-- argument names and defaults change: Postgres refuses CREATE OR REPLACE
CREATE FUNCTION public.f(first int, second int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT first + second';
CREATE FUNCTION public.g(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
CREATE FUNCTION public.h(a int DEFAULT 5) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a';
CREATE VIEW public.v AS SELECT public.f(1, 2) AS x, public.g(1, 3) AS y, public.h(1) AS z;
