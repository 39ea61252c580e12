CREATE DOMAIN public.d AS int;
ALTER DOMAIN public.d ADD CONSTRAINT pos CHECK (VALUE > 0) NOT VALID;
CREATE TABLE public.t (id int PRIMARY KEY, v public.d);

INSERT INTO public.t VALUES (1, 5);
