-- the column that a generated one is computed from changes its type
CREATE FUNCTION public.twice(x bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT x * 2';
CREATE TABLE public.t (id int PRIMARY KEY, n bigint, g bigint GENERATED ALWAYS AS (public.twice(n)) STORED, CHECK (g >= n));
