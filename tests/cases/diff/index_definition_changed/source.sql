-- the same names with another definition, each one attribute
CREATE TABLE public.t (a int, b text, c int);
CREATE INDEX i1 ON public.t (a DESC);
CREATE INDEX i2 ON public.t (a) WHERE c > 1;
CREATE INDEX i3 ON public.t (b varchar_pattern_ops);
CREATE INDEX i4 ON public.t (a) INCLUDE (c);
CREATE INDEX i5 ON public.t (c, a);
CREATE INDEX i6 ON public.t (upper(b));
CREATE INDEX i7 ON public.t (b);
CREATE INDEX i8 ON public.t (a);
CREATE INDEX i9 ON public.t (a) WITH (fillfactor = 70);
COMMENT ON INDEX public.i1 IS 'kept';
