-- a collation of the builtin provider
CREATE COLLATION public.utf (PROVIDER = builtin, LOCALE = 'C.UTF-8');
CREATE TABLE public.t (id int PRIMARY KEY, a text COLLATE public.utf);
CREATE INDEX t_a ON public.t (a);
