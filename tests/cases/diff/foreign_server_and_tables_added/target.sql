CREATE EXTENSION postgres_fdw;
CREATE TABLE public.local (id int PRIMARY KEY);
