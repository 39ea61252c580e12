-- operators with commutators, an operator class over them, and an index that uses it
CREATE TYPE public.ver AS (major int, minor int);
CREATE FUNCTION public.ver_cmp(a public.ver, b public.ver) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT CASE WHEN a.major <> b.major THEN a.major - b.major ELSE a.minor - b.minor END';
CREATE FUNCTION public.ver_lt(a public.ver, b public.ver) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT public.ver_cmp(a, b) < 0';
CREATE FUNCTION public.ver_gt(a public.ver, b public.ver) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT public.ver_cmp(a, b) > 0';
CREATE FUNCTION public.ver_eq(a public.ver, b public.ver) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT public.ver_cmp(a, b) = 0';
CREATE OPERATOR public.<<< (LEFTARG = public.ver, RIGHTARG = public.ver, FUNCTION = public.ver_lt, COMMUTATOR = OPERATOR(public.>>>), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR public.>>> (LEFTARG = public.ver, RIGHTARG = public.ver, FUNCTION = public.ver_gt, COMMUTATOR = OPERATOR(public.<<<));
CREATE OPERATOR public.=== (LEFTARG = public.ver, RIGHTARG = public.ver, FUNCTION = public.ver_eq, MERGES, HASHES);
CREATE OPERATOR FAMILY public.ver_family USING btree;
CREATE OPERATOR CLASS public.ver_ops FOR TYPE public.ver USING btree FAMILY public.ver_family AS OPERATOR 1 public.<<<, OPERATOR 3 public.===, OPERATOR 5 public.>>>, FUNCTION 1 public.ver_cmp(public.ver, public.ver);
CREATE TABLE public.release (id int PRIMARY KEY, v public.ver);
CREATE INDEX release_v ON public.release (v public.ver_ops);
CREATE VIEW public.newer AS SELECT a.id FROM public.release a JOIN public.release b ON a.v OPERATOR(public.>>>) b.v;
