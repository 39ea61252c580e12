CREATE FUNCTION public.et() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END';
CREATE FUNCTION public.et2() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END';
CREATE EVENT TRIGGER a ON ddl_command_end EXECUTE FUNCTION public.et();
CREATE EVENT TRIGGER b ON ddl_command_end EXECUTE FUNCTION public.et();
CREATE EVENT TRIGGER gone ON sql_drop EXECUTE FUNCTION public.et();
