CREATE TEXT SEARCH DICTIONARY public.dict (TEMPLATE = simple, STOPWORDS = english);
CREATE TEXT SEARCH CONFIGURATION public.conf (COPY = pg_catalog.simple);
CREATE TABLE public.doc (id int PRIMARY KEY, body text, words tsvector GENERATED ALWAYS AS (to_tsvector('public.conf', body)) STORED);
CREATE INDEX doc_words ON public.doc USING gin (to_tsvector('public.conf', body));

INSERT INTO public.doc VALUES (1, 'hello world');
