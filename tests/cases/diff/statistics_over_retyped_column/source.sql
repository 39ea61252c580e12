-- the column beneath statistics objects changes its type
CREATE TABLE public.t (a bigint, b text);
CREATE STATISTICS public.s ON a, b FROM public.t;
CREATE STATISTICS public.e ON (a % 10), (b || 'x') FROM public.t;
ALTER STATISTICS public.s SET STATISTICS 123;
COMMENT ON STATISTICS public.e IS 'expr';
