CREATE TABLE public.t (a int, b int, CONSTRAINT one CHECK (a > 0), CONSTRAINT two CHECK (b > 0));
CREATE INDEX i1 ON public.t (a);
CREATE INDEX i2 ON public.t (b);

INSERT INTO public.t VALUES (1, 2);
