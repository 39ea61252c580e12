CREATE TABLE public.t (id int PRIMARY KEY, a int, b text, c jsonb, d tsrange, e text[]);

INSERT INTO public.t (id, a) VALUES (1, 1);
