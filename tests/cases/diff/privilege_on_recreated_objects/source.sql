-- every object is re-created for one change, and each has privileges that are not the default ones
CREATE TYPE public.e AS ENUM ('b', 'a');
REVOKE USAGE ON TYPE public.e FROM PUBLIC;
GRANT USAGE ON TYPE public.e TO dbsync_case_reader WITH GRANT OPTION;
ALTER TYPE public.e OWNER TO dbsync_case_owner;
CREATE FUNCTION public.f(public.e) RETURNS int LANGUAGE sql IMMUTABLE SECURITY DEFINER AS 'SELECT 1';
ALTER FUNCTION public.f(public.e) OWNER TO dbsync_case_owner;
REVOKE EXECUTE ON FUNCTION public.f(public.e) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.f(public.e) TO dbsync_case_writer;
CREATE TABLE public.t (id int PRIMARY KEY, v public.e);
CREATE VIEW public.v WITH (security_barrier) AS SELECT id, v, public.f(v) AS f FROM public.t;
GRANT SELECT, INSERT (v) ON public.v TO dbsync_case_reader;
CREATE PROCEDURE public.p(public.e) LANGUAGE sql AS 'SELECT 1';
REVOKE EXECUTE ON PROCEDURE public.p(public.e) FROM PUBLIC;
