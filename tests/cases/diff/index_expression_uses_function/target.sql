CREATE FUNCTION public.norm(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(t)';
CREATE TABLE public.t (id int PRIMARY KEY, v text, CONSTRAINT c CHECK (public.norm(v) <> ''));
CREATE UNIQUE INDEX t_norm ON public.t (public.norm(v));

INSERT INTO public.t VALUES (1, 'A');
