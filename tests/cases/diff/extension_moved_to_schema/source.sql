-- an extension is moved; a table, an index and a function use it
CREATE SCHEMA extensions;
CREATE EXTENSION hstore SCHEMA extensions;
CREATE TABLE public.item (id int PRIMARY KEY, h extensions.hstore DEFAULT ''::extensions.hstore);
CREATE INDEX item_h ON public.item USING gist (h);
CREATE FUNCTION public.keys_of(h extensions.hstore) RETURNS text[] LANGUAGE sql IMMUTABLE AS 'SELECT ARRAY[''k'']';
