CREATE TYPE public.e AS ENUM ('a', 'b', 'c');
CREATE TABLE public.t (id int PRIMARY KEY, v public.e);

INSERT INTO public.t VALUES (1, 'a'), (2, 'b');
