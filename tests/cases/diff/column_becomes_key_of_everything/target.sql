CREATE TABLE public.a (code text PRIMARY KEY, v int);
CREATE TABLE public.b (a text REFERENCES public.a, n int);

INSERT INTO public.a VALUES ('x', 1), ('y', 2); INSERT INTO public.b VALUES ('x', 1);
