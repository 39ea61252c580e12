CREATE TYPE public.kind AS ENUM ('a', 'b');
CREATE TABLE public.t (id int PRIMARY KEY, k public.kind DEFAULT 'a');

INSERT INTO public.t VALUES (1, 'a'), (2, 'b');
