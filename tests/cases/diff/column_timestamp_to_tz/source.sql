-- timestamp to timestamptz and back
CREATE TABLE public.t (id int PRIMARY KEY, a timestamptz DEFAULT now(), b timestamp DEFAULT now());
CREATE INDEX t_a ON public.t (a);
