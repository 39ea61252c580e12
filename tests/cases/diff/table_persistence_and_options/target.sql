CREATE TABLE public.a (id int PRIMARY KEY, t text) WITH (fillfactor = 50);
CREATE UNLOGGED TABLE public.b (id int PRIMARY KEY);
CREATE TABLE public.c (id int PRIMARY KEY, t text) WITH (autovacuum_vacuum_scale_factor = 0.01, toast.autovacuum_vacuum_threshold = 10);

INSERT INTO public.a VALUES (1, 'x'); INSERT INTO public.b VALUES (1);
