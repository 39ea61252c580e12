-- an index and a check use a function whose argument type and body change
CREATE FUNCTION public.norm(t text, extra int DEFAULT 0) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(t) || extra';
CREATE TABLE public.t (id int PRIMARY KEY, v text, CONSTRAINT c CHECK (public.norm(v) <> ''));
CREATE UNIQUE INDEX t_norm ON public.t (public.norm(v, 1));
