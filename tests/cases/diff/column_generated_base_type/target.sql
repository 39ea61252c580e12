CREATE FUNCTION public.twice(x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT x * 2';
CREATE TABLE public.t (id int PRIMARY KEY, n int, g int GENERATED ALWAYS AS (public.twice(n)) STORED, CHECK (g >= n));

INSERT INTO public.t (id, n) VALUES (1, 5);
