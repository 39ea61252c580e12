CREATE TABLE public.t (a int, b text, c int);
CREATE INDEX i1 ON public.t (a);
CREATE INDEX i2 ON public.t (a) WHERE c > 0;
CREATE INDEX i3 ON public.t (b);
CREATE INDEX i4 ON public.t (a) INCLUDE (b);
CREATE INDEX i5 ON public.t (a, c);
CREATE INDEX i6 ON public.t (lower(b));
CREATE INDEX i7 ON public.t USING hash (b);
CREATE UNIQUE INDEX i8 ON public.t (a);
CREATE INDEX i9 ON public.t (a) WITH (fillfactor = 50, deduplicate_items = off);
COMMENT ON INDEX public.i1 IS 'kept';

INSERT INTO public.t VALUES (1, 'a', 1);
