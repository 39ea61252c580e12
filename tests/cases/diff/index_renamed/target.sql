CREATE TABLE public.t (a int, b int);
CREATE INDEX t_a_idx ON public.t (a);
CREATE INDEX same_1 ON public.t (b);
CREATE INDEX same_2 ON public.t (b);

INSERT INTO public.t VALUES (1, 1);
