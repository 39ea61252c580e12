-- labels at the end, used by a default, an array and a view at once
CREATE TYPE public.state AS ENUM ('new', 'done', 'failed', 'it''s stuck');
CREATE TABLE public.job (id int PRIMARY KEY, s public.state NOT NULL DEFAULT 'failed', history public.state[]);
CREATE VIEW public.open AS SELECT * FROM public.job WHERE s <> 'failed';
