-- a new child has its parent's columns in its own list, one of them without the parent's default
CREATE TABLE public.p (id int DEFAULT 1, v text DEFAULT 'x');
CREATE TABLE public.c (id int, v text DEFAULT 'y', own text);
ALTER TABLE public.c INHERIT public.p;
