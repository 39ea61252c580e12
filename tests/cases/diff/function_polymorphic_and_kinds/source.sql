-- polymorphic arguments, window, support of defaults with special characters, transform-free languages
CREATE FUNCTION public.first_of(anyarray) RETURNS anyelement LANGUAGE sql IMMUTABLE AS 'SELECT $1[1]';
CREATE FUNCTION public."Say ""hi"" %"("the name" text DEFAULT 'O''Brien; --', "$1" int DEFAULT 7) RETURNS text LANGUAGE sql AS $$ SELECT 'hi ' || "the name" $$;
CREATE FUNCTION public.nested() RETURNS text LANGUAGE plpgsql AS $_$ BEGIN EXECUTE $$SELECT $q$'%s'$q$ $$; RETURN '$function$'; END $_$;
CREATE PROCEDURE public.p(IN a int, INOUT b text DEFAULT NULL) LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN b := a::text; END $$;
COMMENT ON PROCEDURE public.p(int, text) IS 'proc';
ALTER PROCEDURE public.p(int, text) OWNER TO dbsync_case_owner;
GRANT EXECUTE ON PROCEDURE public.p(int, text) TO dbsync_case_writer;
GRANT EXECUTE ON FUNCTION public."Say ""hi"" %"(text, int) TO dbsync_case_reader WITH GRANT OPTION;
