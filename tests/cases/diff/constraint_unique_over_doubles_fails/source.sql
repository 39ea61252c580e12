-- a unique constraint over rows that are not unique
CREATE TABLE public.t (id int PRIMARY KEY, a int UNIQUE);
