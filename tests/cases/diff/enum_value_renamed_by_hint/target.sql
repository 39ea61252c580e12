CREATE TYPE public.state AS ENUM ('new', 'started', 'done');
CREATE TABLE public.t (id int PRIMARY KEY, s public.state DEFAULT 'started');

INSERT INTO public.t VALUES (1, 'started');
