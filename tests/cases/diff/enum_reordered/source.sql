-- the same labels in another order: only a new type can do that
CREATE TYPE public.prio AS ENUM ('low', 'mid', 'high');
CREATE TABLE public.task (id int PRIMARY KEY, p public.prio NOT NULL DEFAULT 'low');
CREATE INDEX task_p ON public.task (p);
CREATE VIEW public.urgent AS SELECT * FROM public.task WHERE p >= 'mid'::public.prio;
