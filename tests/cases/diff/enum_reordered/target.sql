CREATE TYPE public.prio AS ENUM ('high', 'low', 'mid');
CREATE TABLE public.task (id int PRIMARY KEY, p public.prio NOT NULL DEFAULT 'low');
CREATE INDEX task_p ON public.task (p);
CREATE VIEW public.urgent AS SELECT * FROM public.task WHERE p >= 'mid'::public.prio;

INSERT INTO public.task VALUES (1, 'high'), (2, 'low'), (3, 'mid');
