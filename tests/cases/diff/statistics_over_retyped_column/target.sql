CREATE TABLE public.t (a int, b varchar(5));
CREATE STATISTICS public.s ON a, b FROM public.t;
CREATE STATISTICS public.e ON (a % 10), (b || 'x') FROM public.t;
ALTER STATISTICS public.s SET STATISTICS 123;
COMMENT ON STATISTICS public.e IS 'expr';

INSERT INTO public.t VALUES (1, 'x');
