-- row filters, column lists, tables of schemas; a filtered column changes its type
CREATE SCHEMA app;
CREATE SCHEMA app2;
CREATE TABLE public.a (id bigint PRIMARY KEY, v text, n int);
CREATE PUBLICATION p FOR TABLE public.a (id, n) WHERE (id > 10);
CREATE PUBLICATION q FOR TABLES IN SCHEMA app, app2;
ALTER PUBLICATION q OWNER TO postgres;
