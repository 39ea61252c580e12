CREATE TABLE public.t (a int, b int, c text);
CREATE STATISTICS public.s1 (ndistinct) ON a, b FROM public.t;
CREATE STATISTICS public.s2 ON a, b FROM public.t;
CREATE STATISTICS public.gone ON b, c FROM public.t;
ALTER STATISTICS public.s2 SET STATISTICS 50;

INSERT INTO public.t VALUES (1, 2, 'c');
