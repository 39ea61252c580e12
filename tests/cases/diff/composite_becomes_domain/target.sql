CREATE TYPE public.amount AS (v numeric, cur text);
CREATE FUNCTION public.plus(a public.amount) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT a.v';
