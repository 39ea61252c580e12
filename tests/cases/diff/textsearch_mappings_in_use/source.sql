-- dictionaries and mappings change under an index, a generated column comes
CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple, ACCEPT = false);
CREATE TEXT SEARCH DICTIONARY sn (TEMPLATE = snowball, LANGUAGE = german);
CREATE TEXT SEARCH CONFIGURATION c (COPY = english);
ALTER TEXT SEARCH CONFIGURATION c ALTER MAPPING FOR asciiword, word WITH sn, d;
ALTER TEXT SEARCH CONFIGURATION c DROP MAPPING FOR email;
CREATE TABLE t (b text, v tsvector GENERATED ALWAYS AS (to_tsvector('c'::regconfig, b)) STORED);
CREATE INDEX ti ON t USING gin (v);
