-- checks added, dropped, changed; default and NOT NULL; a table and an array of it exist
CREATE DOMAIN public.email AS text NOT NULL CONSTRAINT has_at CHECK (VALUE ~ '^[^@]+@[^@]+$') CONSTRAINT lower CHECK (VALUE = lower(VALUE));
COMMENT ON DOMAIN public.email IS 'checked';
COMMENT ON CONSTRAINT lower ON DOMAIN public.email IS 'lower case';
CREATE TABLE public.u (id int PRIMARY KEY, e public.email, es public.email[]);
