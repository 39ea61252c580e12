CREATE TABLE public.a (id int GENERATED ALWAYS AS IDENTITY, v text);
CREATE TABLE public.b (id serial, v text);
CREATE TABLE public.c (id int NOT NULL, v text);
CREATE TABLE public.d (id int NOT NULL, v text);

INSERT INTO public.a (v) VALUES ('x'); INSERT INTO public.c VALUES (1, 'y'); INSERT INTO public.d VALUES (1, 'z');
