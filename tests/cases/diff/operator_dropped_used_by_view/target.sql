CREATE FUNCTION public.near(a int, b int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT abs(a - b) < 5';
CREATE OPERATOR public.~~~ (LEFTARG = int, RIGHTARG = int, FUNCTION = public.near, COMMUTATOR = OPERATOR(public.~~~));
CREATE OPERATOR public.!!! (LEFTARG = int, RIGHTARG = int, FUNCTION = public.near);
CREATE OPERATOR CLASS public.near_ops FOR TYPE int USING hash AS OPERATOR 1 pg_catalog.=(int, int), FUNCTION 1 pg_catalog.hashint4(int);
CREATE TABLE public.t (id int PRIMARY KEY, n int);
CREATE INDEX t_n ON public.t USING hash (n public.near_ops);
CREATE VIEW public.v AS SELECT id FROM public.t WHERE n OPERATOR(public.~~~) 5;

INSERT INTO public.t VALUES (1, 4);
