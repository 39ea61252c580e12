CREATE TABLE public.p (id int PRIMARY KEY);
CREATE TABLE public.t (id int PRIMARY KEY, p int);

INSERT INTO public.t VALUES (1, 7);
