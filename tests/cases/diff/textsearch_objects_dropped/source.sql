-- a configuration, dictionary, parser and template go
CREATE TEXT SEARCH TEMPLATE public.tmpl2 (LEXIZE = dsimple_lexize, INIT = dsimple_init);
CREATE FUNCTION public.f(t text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$ SELECT to_tsvector('pg_catalog.simple', t) $$;
