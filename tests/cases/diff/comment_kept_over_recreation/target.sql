CREATE TYPE public.e AS ENUM ('a', 'b', 'c');
CREATE TABLE public.t (id int PRIMARY KEY, v public.e, n int);
CREATE FUNCTION public.f(x public.e) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE VIEW public.v AS SELECT v, n, public.f(v) AS f FROM public.t;
CREATE INDEX t_f ON public.t (public.f(v));
CREATE POLICY p ON public.t USING (v = 'a');
COMMENT ON TYPE public.e IS 'e';
COMMENT ON FUNCTION public.f(public.e) IS 'f';
COMMENT ON VIEW public.v IS 'v';
COMMENT ON COLUMN public.v.f IS 'v.f';
COMMENT ON INDEX public.t_f IS 't_f';
COMMENT ON POLICY p ON public.t IS 'p';
COMMENT ON COLUMN public.t.v IS 't.v';

INSERT INTO public.t VALUES (1, 'a', 5);
