-- a column's collation, with an index, a unique constraint and a view
CREATE TABLE public.t (id int PRIMARY KEY, a text UNIQUE, b text COLLATE "C", c varchar(8) COLLATE "C");
CREATE INDEX t_b ON public.t (b);
CREATE VIEW public.v AS SELECT a, b FROM public.t ORDER BY b;
