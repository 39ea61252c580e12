CREATE TABLE public.t (id int PRIMARY KEY, name char(20));
CREATE TABLE public.u (id int PRIMARY KEY);
INSERT INTO public.t VALUES (1, 'x');
INSERT INTO public.u VALUES (1);
