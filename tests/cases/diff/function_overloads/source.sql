-- overloads with the same name: one goes, one comes, one changes, one becomes a procedure
CREATE PROCEDURE public.f() LANGUAGE sql AS 'SELECT 0';
CREATE FUNCTION public.f(int, OUT a int, OUT b text) LANGUAGE sql AS 'SELECT 1, ''x''::text';
CREATE FUNCTION public.f(bigint) RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE FUNCTION public.f(VARIADIC numeric[]) RETURNS TABLE (x int, "y z" text) LANGUAGE sql AS 'SELECT 3, ''''::text';
COMMENT ON FUNCTION public.f(int) IS 'int';
