CREATE TABLE public.p (id int, gone_and_back date[], old text);
INSERT INTO public.p VALUES (1);
