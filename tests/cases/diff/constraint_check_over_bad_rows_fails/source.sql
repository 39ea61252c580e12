-- a check that rows break
CREATE TABLE public.t (id int PRIMARY KEY, a int CHECK (a > 0));
