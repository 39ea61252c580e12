CREATE TABLE public.doc (id int PRIMARY KEY, title text NOT NULL);

INSERT INTO public.doc VALUES (1, 'abc'), (2, 'bcd');
