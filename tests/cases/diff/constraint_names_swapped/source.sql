-- two constraints exchange their names, and so do two indexes
CREATE TABLE public.t (a int, b int, CONSTRAINT two CHECK (a > 0), CONSTRAINT one CHECK (b > 0));
CREATE INDEX i2 ON public.t (a);
CREATE INDEX i1 ON public.t (b);
