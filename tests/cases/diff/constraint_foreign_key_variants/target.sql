CREATE TABLE public.p (a int, b int, c int UNIQUE, PRIMARY KEY (a, b));
CREATE TABLE public.t (x int, y int, z int, z2 int, z3 int,
    CONSTRAINT f1 FOREIGN KEY (x, y) REFERENCES public.p, CONSTRAINT f2 FOREIGN KEY (z) REFERENCES public.p (c) ON DELETE CASCADE, CONSTRAINT f3 FOREIGN KEY (z2) REFERENCES public.p (c) DEFERRABLE);
ALTER TABLE public.t ADD CONSTRAINT f4 FOREIGN KEY (z3) REFERENCES public.p (c) NOT VALID;

INSERT INTO public.p VALUES (1, 2, 3); INSERT INTO public.t VALUES (1, 2, 3, 3, 3);
