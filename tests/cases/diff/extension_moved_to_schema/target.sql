CREATE EXTENSION hstore;
CREATE TABLE public.item (id int PRIMARY KEY, h hstore DEFAULT ''::hstore);
CREATE INDEX item_h ON public.item USING gist (h);
CREATE FUNCTION public.keys_of(h hstore) RETURNS text[] LANGUAGE sql IMMUTABLE AS 'SELECT ARRAY[''k'']';

INSERT INTO public.item VALUES (1, 'a=>b');
