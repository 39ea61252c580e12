CREATE TABLE public.t (id int PRIMARY KEY, n int, a int GENERATED ALWAYS AS (n + 1) VIRTUAL, b int GENERATED ALWAYS AS (n + 2) STORED, c int GENERATED ALWAYS AS (n + 3) VIRTUAL);
CREATE VIEW public.v AS SELECT id, a, b FROM public.t;

INSERT INTO public.t (id, n) VALUES (1, 2);
