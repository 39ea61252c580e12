-- an operator goes with its class, index and view; another changes its estimators
CREATE FUNCTION public.near(a int, b int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT abs(a - b) < 5';
CREATE OPERATOR public.!!! (LEFTARG = int, RIGHTARG = int, FUNCTION = public.near, RESTRICT = eqsel, JOIN = eqjoinsel);
CREATE TABLE public.t (id int PRIMARY KEY, n int);
CREATE INDEX t_n ON public.t USING hash (n);
CREATE VIEW public.v AS SELECT id FROM public.t WHERE public.near(n, 5);
