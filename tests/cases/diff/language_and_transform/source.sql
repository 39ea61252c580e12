-- a procedural language's privileges and owner, and a conversion
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
CREATE CONVERSION public.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
COMMENT ON CONVERSION public.conv IS 'c';
