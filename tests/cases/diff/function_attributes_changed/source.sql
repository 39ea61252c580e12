-- volatility, strictness, parallel, security, leakproof, cost, rows, settings, language, body
CREATE FUNCTION public.a() RETURNS int LANGUAGE sql STABLE LEAKPROOF PARALLEL RESTRICTED AS 'SELECT 1';
CREATE FUNCTION public.b(x int) RETURNS int LANGUAGE sql VOLATILE CALLED ON NULL INPUT AS 'SELECT x';
CREATE FUNCTION public.c() RETURNS SETOF int LANGUAGE sql ROWS 500 COST 30 AS 'SELECT 1';
CREATE FUNCTION public.d() RETURNS text LANGUAGE sql SET search_path = pg_catalog, public SET "app.User" = 'it''s me' SET timezone = 'UTC' AS 'SELECT ''x''::text';
CREATE FUNCTION public.e() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN RETURN $$5$$::int; END $f$;
