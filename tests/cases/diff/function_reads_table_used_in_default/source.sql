-- a function reads the table whose default calls it: a cycle, all new
CREATE TABLE public.counter (n int);
CREATE FUNCTION public.next_n() RETURNS int LANGUAGE sql AS 'SELECT coalesce(max(n), 0) + 1 FROM public.counter';
ALTER TABLE public.counter ALTER n SET DEFAULT public.next_n();
CREATE FUNCTION public.of_row(c public.counter) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
ALTER TABLE public.counter ADD CONSTRAINT c CHECK (public.of_row(counter.*) > 0);
