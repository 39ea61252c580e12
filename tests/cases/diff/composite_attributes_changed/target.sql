CREATE TYPE public.address AS (street text, zip int, gone text);
CREATE FUNCTION public.show(a public.address) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT a.street $$;
COMMENT ON COLUMN public.address.zip IS 'a number';
