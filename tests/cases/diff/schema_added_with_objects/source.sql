-- a schema comes with an owner, a comment, privileges and a table that refers to an old one
CREATE TABLE public.customer (id int PRIMARY KEY, name text NOT NULL);
CREATE SCHEMA billing AUTHORIZATION dbsync_case_owner;
COMMENT ON SCHEMA billing IS 'money; don''t touch';
GRANT USAGE ON SCHEMA billing TO dbsync_case_reader;
GRANT USAGE, CREATE ON SCHEMA billing TO dbsync_case_writer WITH GRANT OPTION;
CREATE TABLE billing.invoice (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer int NOT NULL REFERENCES public.customer);
CREATE VIEW public.invoices AS SELECT i.id, c.name FROM billing.invoice i JOIN public.customer c ON c.id = i.customer;
