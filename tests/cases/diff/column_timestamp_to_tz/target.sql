CREATE TABLE public.t (id int PRIMARY KEY, a timestamp DEFAULT now(), b timestamptz DEFAULT now());
CREATE INDEX t_a ON public.t (a);

INSERT INTO public.t VALUES (1, '2020-01-01 12:00', '2020-01-01 12:00+00');
