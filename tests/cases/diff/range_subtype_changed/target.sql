CREATE TYPE public.band AS RANGE (subtype = int4);
CREATE TABLE public.t (id int PRIMARY KEY, b public.band);
CREATE INDEX t_b ON public.t USING gist (b);

INSERT INTO public.t VALUES (1, '[1,5)'), (2, NULL);
