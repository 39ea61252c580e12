-- a name is a composite before and a domain after
CREATE DOMAIN public.amount AS numeric;
CREATE FUNCTION public.plus(a public.amount) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT a';
