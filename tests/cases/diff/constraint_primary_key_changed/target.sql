CREATE TABLE public.a (id int, code text NOT NULL, CONSTRAINT a_pkey PRIMARY KEY (id));
CREATE TABLE public.b (id int, v text, CONSTRAINT b_key PRIMARY KEY (id));
CREATE TABLE public.c (a int CONSTRAINT c_a REFERENCES public.a);

INSERT INTO public.a VALUES (1, 'x'); INSERT INTO public.b VALUES (1, 'x'); INSERT INTO public.c VALUES (1);
