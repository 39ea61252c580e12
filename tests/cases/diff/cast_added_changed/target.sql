CREATE TYPE public.e AS ENUM ('a', 'b');
CREATE TYPE public.c AS (x int);
CREATE FUNCTION public.e_int(public.e) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION public.c_int(public.c) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2';
CREATE CAST (public.e AS int) WITH FUNCTION public.e_int(public.e);
CREATE CAST (public.c AS text) WITH INOUT AS ASSIGNMENT;
CREATE TYPE public.gone AS ENUM ('x');
CREATE CAST (public.gone AS text) WITH INOUT AS ASSIGNMENT;
