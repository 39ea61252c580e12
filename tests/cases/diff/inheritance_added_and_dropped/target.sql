CREATE TABLE public.base (id int NOT NULL, name text, CONSTRAINT named CHECK (name <> ''));
CREATE TABLE public.joins (id int NOT NULL, name text, extra int, CONSTRAINT named CHECK (name <> ''));
CREATE TABLE public.leaves (more text) INHERITS (public.base);

INSERT INTO public.joins VALUES (1, 'a', 1); INSERT INTO public.leaves VALUES (2, 'b', 'm');
