CREATE TABLE public.t (id int PRIMARY KEY, codes text[]);

INSERT INTO public.t VALUES (1, '{abc}'), (2, '{abc,abcd}');
