-- EXECUTE taken from PUBLIC and given back, USAGE on types, domains, languages' functions
CREATE FUNCTION public.f(int) RETURNS int LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION public.g() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
CREATE PROCEDURE public.p() LANGUAGE sql AS 'SELECT 1';
CREATE TYPE public.e AS ENUM ('a');
CREATE DOMAIN public.d AS int;
CREATE TYPE public.c AS (x int);
REVOKE EXECUTE ON FUNCTION public.f(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.f(int) TO dbsync_case_reader WITH GRANT OPTION;
REVOKE EXECUTE ON PROCEDURE public.p() FROM PUBLIC;
REVOKE USAGE ON DOMAIN public.d FROM PUBLIC;
GRANT USAGE ON TYPE public.c TO dbsync_case_reader;
