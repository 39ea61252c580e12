CREATE TABLE public.t (id int PRIMARY KEY, a text);

INSERT INTO public.t VALUES (1, 'x');
