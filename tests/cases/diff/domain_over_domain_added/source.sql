-- a chain of domains whose check calls a function, used by a new column and a new table
CREATE TABLE public.t (id int PRIMARY KEY);
CREATE FUNCTION public.is_even(i int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT i % 2 = 0';
CREATE DOMAIN public.even AS int CHECK (public.is_even(VALUE));
CREATE DOMAIN public.small_even AS public.even CHECK (VALUE < 100) DEFAULT 2;
ALTER TABLE public.t ADD n public.small_even;
CREATE TABLE public.a_first (n public.small_even NOT NULL, m public.even[] DEFAULT '{2,4}');
ALTER DOMAIN public.even OWNER TO dbsync_case_owner;
GRANT USAGE ON DOMAIN public.even TO dbsync_case_reader;
