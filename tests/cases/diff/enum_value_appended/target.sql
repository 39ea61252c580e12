CREATE TYPE public.state AS ENUM ('new', 'done');
CREATE TABLE public.job (id int PRIMARY KEY, s public.state NOT NULL DEFAULT 'new', history public.state[]);
CREATE VIEW public.open AS SELECT * FROM public.job WHERE s <> 'done';

INSERT INTO public.job VALUES (1, 'new', '{new,done}'), (2, 'done', NULL);
