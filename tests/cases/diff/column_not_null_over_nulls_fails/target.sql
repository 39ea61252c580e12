CREATE TABLE public.t (id int PRIMARY KEY, a text);
CREATE TABLE public.other (id int);

INSERT INTO public.t VALUES (1, NULL);
