CREATE TABLE public.p (id int DEFAULT 1, v text DEFAULT 'x');
INSERT INTO public.p VALUES (1, 'a');
