CREATE TABLE public.p1 (id int);
CREATE TABLE public.p2 (id int);
CREATE TABLE public.c (id int, v int, CONSTRAINT chk CHECK (id > 0));
ALTER TABLE public.c INHERIT public.p1;
CREATE TABLE public.d (v int, CONSTRAINT up CHECK (id < 9)) INHERITS (public.p2);

INSERT INTO public.c VALUES (1, 2); INSERT INTO public.d VALUES (1, 2);
