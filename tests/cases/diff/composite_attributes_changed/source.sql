-- attributes added, dropped, another type; a function takes it, no table stores it
CREATE TYPE public.address AS (street text COLLATE "C", zip text, country char(2));
CREATE FUNCTION public.show(a public.address) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT a.street $$;
COMMENT ON TYPE public.address IS 'where';
COMMENT ON COLUMN public.address.country IS 'two letters';
