-- a foreign key over rows without a parent
CREATE TABLE public.p (id int PRIMARY KEY);
CREATE TABLE public.t (id int PRIMARY KEY, p int REFERENCES public.p);
