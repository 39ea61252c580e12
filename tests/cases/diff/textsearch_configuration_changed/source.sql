-- configurations and dictionaries; an index and a generated column use one
CREATE TEXT SEARCH DICTIONARY public.dict (TEMPLATE = simple, STOPWORDS = german, ACCEPT = false);
CREATE TEXT SEARCH DICTIONARY public.snow (TEMPLATE = snowball, LANGUAGE = english);
CREATE TEXT SEARCH CONFIGURATION public.conf (COPY = pg_catalog.simple);
ALTER TEXT SEARCH CONFIGURATION public.conf ALTER MAPPING FOR asciiword, word WITH public.dict, public.snow;
ALTER TEXT SEARCH CONFIGURATION public.conf DROP MAPPING FOR url, email;
CREATE TEXT SEARCH CONFIGURATION public."Other conf" (PARSER = "default");
CREATE TABLE public.doc (id int PRIMARY KEY, body text, words tsvector GENERATED ALWAYS AS (to_tsvector('public.conf', body)) STORED);
CREATE INDEX doc_words ON public.doc USING gin (to_tsvector('public.conf', body));
COMMENT ON TEXT SEARCH CONFIGURATION public.conf IS 'ours';
