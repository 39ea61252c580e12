-- options of a TOAST table that comes with a column: by another type of one that is there, by a new one
CREATE TABLE public.t (id int PRIMARY KEY, name text);
ALTER TABLE public.t SET (toast.autovacuum_enabled = off, parallel_workers = 3);
CREATE TABLE public.u (id int PRIMARY KEY, name text);
ALTER TABLE public.u SET (toast.autovacuum_enabled = off);
INSERT INTO public.t VALUES (1, 'x');
INSERT INTO public.u VALUES (1);
