-- actions, match, deferrability, NOT VALID, referred columns
CREATE TABLE public.p (a int, b int, c int UNIQUE, PRIMARY KEY (a, b));
CREATE TABLE public.t (x int, y int, z int, z2 int, z3 int,
    CONSTRAINT f1 FOREIGN KEY (x, y) REFERENCES public.p MATCH FULL ON UPDATE CASCADE, CONSTRAINT f2 FOREIGN KEY (z) REFERENCES public.p (c) ON DELETE SET DEFAULT ON UPDATE SET NULL, CONSTRAINT f3 FOREIGN KEY (z2) REFERENCES public.p (c) DEFERRABLE INITIALLY DEFERRED, CONSTRAINT f4 FOREIGN KEY (z3) REFERENCES public.p (c));
