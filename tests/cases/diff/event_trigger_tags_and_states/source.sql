-- event triggers change their tags and functions while tables are made
CREATE FUNCTION et() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''x''; END';
CREATE FUNCTION et2() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER a ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE') EXECUTE FUNCTION et2();
CREATE EVENT TRIGGER c ON table_rewrite EXECUTE FUNCTION et();
ALTER EVENT TRIGGER c ENABLE ALWAYS;
ALTER EVENT TRIGGER c OWNER TO postgres;
CREATE TABLE new_one (a int);
