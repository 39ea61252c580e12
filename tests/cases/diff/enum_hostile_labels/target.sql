CREATE TYPE public.e AS ENUM ('plain');
CREATE TABLE public.foo (id int PRIMARY KEY, v public.e DEFAULT 'plain');

INSERT INTO public.foo VALUES (1, 'plain');
