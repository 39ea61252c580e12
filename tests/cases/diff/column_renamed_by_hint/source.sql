-- a column is renamed under views, checks, indexes and a function
CREATE TABLE public.t (id int PRIMARY KEY, name text NOT NULL, CONSTRAINT filled CHECK (name <> ''));
CREATE INDEX t_name ON public.t (lower(name));
CREATE VIEW public.v AS SELECT id, name AS shown FROM public.t;
