-- a wrapper, a server, a user mapping and foreign tables come
CREATE EXTENSION postgres_fdw;
CREATE TABLE public.local (id int PRIMARY KEY);
CREATE SERVER other TYPE 'pg' VERSION '15' FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'it''s.example', dbname 'x y');
CREATE USER MAPPING FOR dbsync_case_reader SERVER other OPTIONS (user 'u', password 'p''w');
CREATE USER MAPPING FOR PUBLIC SERVER other OPTIONS (user 'everybody');
CREATE FOREIGN TABLE public.remote (id int OPTIONS (column_name 'ID') NOT NULL, v text DEFAULT 'x', CONSTRAINT c CHECK (id > 0)) SERVER other OPTIONS (schema_name 's', table_name 'T"x');
CREATE VIEW public.both_of_them AS SELECT l.id, r.v FROM public.local l JOIN public.remote r ON r.id = l.id;
COMMENT ON SERVER other IS 'far';
COMMENT ON FOREIGN TABLE public.remote IS 'there';
GRANT USAGE ON FOREIGN SERVER other TO dbsync_case_reader;
GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO dbsync_case_writer;
GRANT SELECT ON public.remote TO dbsync_case_reader;
ALTER SERVER other OWNER TO dbsync_case_owner;
