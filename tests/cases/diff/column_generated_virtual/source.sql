-- virtual columns added, changed, turned to stored and back
CREATE TABLE public.t (id int PRIMARY KEY, n int, a int GENERATED ALWAYS AS (n * 10) VIRTUAL, b int GENERATED ALWAYS AS (n + 2) VIRTUAL, c int GENERATED ALWAYS AS (n + 3) STORED, d int GENERATED ALWAYS AS (n * n) VIRTUAL);
CREATE VIEW public.v AS SELECT id, a, b FROM public.t;
