CREATE TABLE public.t (id int PRIMARY KEY, nme text NOT NULL, CONSTRAINT filled CHECK (nme <> ''));
CREATE INDEX t_name ON public.t (lower(nme));
CREATE VIEW public.v AS SELECT id, nme AS shown FROM public.t;

INSERT INTO public.t VALUES (1, 'x');
