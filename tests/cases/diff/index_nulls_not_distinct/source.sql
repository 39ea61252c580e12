-- NULLS NOT DISTINCT of a unique index comes and goes
CREATE TABLE public.t (a int, b int);
CREATE UNIQUE INDEX x ON public.t (a) NULLS NOT DISTINCT;
CREATE UNIQUE INDEX y ON public.t (b);
