-- a collation with the same name has another locale
CREATE COLLATION public.c (LOCALE = 'POSIX');
CREATE TABLE public.t (id int PRIMARY KEY, a text COLLATE public.c UNIQUE);
