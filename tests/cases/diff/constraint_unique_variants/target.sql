CREATE TABLE public.t (a int, b int, c int, d int,
    CONSTRAINT u1 UNIQUE (a), CONSTRAINT u2 UNIQUE (b), CONSTRAINT u3 UNIQUE (a, b), CONSTRAINT u4 UNIQUE (c));
CREATE UNIQUE INDEX u5 ON public.t (d);

INSERT INTO public.t VALUES (1, 2, 3, 4), (2, 3, NULL, NULL);
