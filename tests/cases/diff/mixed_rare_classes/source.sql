-- a text search template, a conversion, an access method and a table that uses it
CREATE TEXT SEARCH TEMPLATE tt2 (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH DICTIONARY td (TEMPLATE = tt2);
CREATE CONVERSION myc FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE ACCESS METHOD h2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE t (a int) USING h2;
