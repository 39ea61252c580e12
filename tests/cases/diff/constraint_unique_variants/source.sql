-- unique: deferrable, NULLS NOT DISTINCT, INCLUDE, columns swapped; unique index becomes constraint
CREATE TABLE public.t (a int, b int, c int, d int,
    CONSTRAINT u1 UNIQUE (a) DEFERRABLE INITIALLY DEFERRED, CONSTRAINT u2 UNIQUE NULLS NOT DISTINCT (b), CONSTRAINT u3 UNIQUE (b, a), CONSTRAINT u5 UNIQUE (d));
CREATE UNIQUE INDEX u4 ON public.t (c);
