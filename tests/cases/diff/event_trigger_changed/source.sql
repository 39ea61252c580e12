-- event triggers: tags, function, enable state, comment, owner stays a superuser
CREATE FUNCTION public.et() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END';
CREATE FUNCTION public.et2() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END';
CREATE EVENT TRIGGER a ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP VIEW') EXECUTE FUNCTION public.et2();
CREATE EVENT TRIGGER b ON ddl_command_end EXECUTE FUNCTION public.et();
ALTER EVENT TRIGGER b DISABLE;
CREATE EVENT TRIGGER "Odd ""et""" ON table_rewrite EXECUTE FUNCTION public.et2();
ALTER EVENT TRIGGER "Odd ""et""" ENABLE REPLICA;
COMMENT ON EVENT TRIGGER b IS 'off';
