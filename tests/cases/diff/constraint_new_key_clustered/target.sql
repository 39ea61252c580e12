CREATE TABLE public.other (id int); INSERT INTO public.other VALUES (1);
