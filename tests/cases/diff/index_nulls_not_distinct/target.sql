CREATE TABLE public.t (a int, b int);
CREATE UNIQUE INDEX x ON public.t (a);
CREATE UNIQUE INDEX y ON public.t (b) NULLS NOT DISTINCT;

INSERT INTO public.t VALUES (1, 1), (NULL, NULL);
