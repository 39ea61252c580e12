CREATE TABLE t (t int PRIMARY KEY, s text, r text, d text, x text, n bigint, h int, "row" text, "rows" text, digest text, hash text,
                src text, dst text, target text, source text, staging text, key text, value text, count int, sum int, line text, data text,
                lo text, hi text, a text, b text, q text, c text, ctid_ text, oid text, "tableoid2" text);
CREATE TABLE "row" (id int PRIMARY KEY, "row" text);
CREATE TABLE src (src int, src2 text);
CREATE FUNCTION public.trojan() RETURNS int LANGUAGE plpgsql AS $$BEGIN RAISE 'a trojan ran'; END$$;
CREATE FUNCTION public.hashtextextended(text, bigint) RETURNS bigint LANGUAGE sql AS 'SELECT public.trojan()::bigint';
CREATE FUNCTION public.octet_length(text) RETURNS int LANGUAGE sql AS 'SELECT public.trojan()';
CREATE FUNCTION public.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS 'SELECT public.trojan()::text';
CREATE FUNCTION public.format_type(oid, int) RETURNS text LANGUAGE sql AS 'SELECT public.trojan()::text';
CREATE FUNCTION public.same(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT public.trojan() > 0';
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.same);
CREATE OPERATOR public.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = public.same);
