-- extended statistics: kinds, columns, expressions, target, owner, comment
CREATE TABLE public.t (a int, b int, c text);
CREATE STATISTICS public.s1 (ndistinct, mcv) ON a, b FROM public.t;
CREATE STATISTICS public.s2 ON a, b FROM public.t;
CREATE STATISTICS public."new one" ON (a + b), lower(c), c FROM public.t;
ALTER STATISTICS public.s2 SET STATISTICS 500;
COMMENT ON STATISTICS public.s2 IS 'more';
ALTER STATISTICS public.s1 OWNER TO dbsync_case_owner;
