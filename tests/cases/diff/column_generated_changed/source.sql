-- a stored expression changes, one becomes plain, a plain one becomes generated
CREATE TABLE public.t (id int PRIMARY KEY, n int NOT NULL, g int GENERATED ALWAYS AS (n * 3) STORED, stays int, was_plain int GENERATED ALWAYS AS (n - 1) STORED);
CREATE INDEX t_g ON public.t (g);
CREATE VIEW public.v AS SELECT g, was_plain FROM public.t;
