CREATE TYPE public.gone AS ENUM ('a', 'b');
CREATE TABLE public.t (id int PRIMARY KEY, was_enum public.gone DEFAULT 'a', was_text text DEFAULT 'x' CHECK (was_text <> ''));
CREATE VIEW public.v AS SELECT was_enum, was_text FROM public.t;

INSERT INTO public.t VALUES (1, 'a', 'y'), (2, 'b', 'x');
