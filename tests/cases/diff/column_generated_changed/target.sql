CREATE TABLE public.t (id int PRIMARY KEY, n int NOT NULL, g int GENERATED ALWAYS AS (n * 2) STORED, stays int GENERATED ALWAYS AS (n + 1) STORED, was_plain int);
CREATE INDEX t_g ON public.t (g);
CREATE VIEW public.v AS SELECT g, was_plain FROM public.t;

INSERT INTO public.t (id, n) VALUES (1, 5);
