CREATE TABLE public.t (id int PRIMARY KEY);

INSERT INTO public.t VALUES (1);
