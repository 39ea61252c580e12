CREATE TABLE public.p (id int, t text, u text); INSERT INTO public.p VALUES (1, 'a', 'b');
