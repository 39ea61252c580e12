-- casts by function, by I/O, binary; context changes; the type of a cast goes
CREATE TYPE public.e AS ENUM ('a', 'b');
CREATE TYPE public.c AS (x int);
CREATE FUNCTION public.e_int(public.e) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION public.c_int(public.c) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2';
CREATE CAST (public.e AS int) WITH FUNCTION public.e_int(public.e) AS IMPLICIT;
CREATE CAST (public.c AS int) WITH FUNCTION public.c_int(public.c) AS ASSIGNMENT;
COMMENT ON CAST (public.c AS int) IS 'c';
