-- an extension comes together with what uses its types, operators and operator classes
CREATE TABLE public.doc (id int PRIMARY KEY, title text NOT NULL);
CREATE EXTENSION pg_trgm;
CREATE EXTENSION citext;
CREATE EXTENSION hstore;
ALTER TABLE public.doc ADD slug citext, ADD attributes hstore DEFAULT 'a=>1';
CREATE INDEX doc_title_trgm ON public.doc USING gin (title gin_trgm_ops);
CREATE UNIQUE INDEX doc_slug ON public.doc (slug);
COMMENT ON EXTENSION hstore IS 'our own words';
