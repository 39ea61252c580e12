-- an event trigger on drops, while something is dropped
CREATE TABLE a (x bigint);
CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE NOTICE 'x'; END$$;
CREATE EVENT TRIGGER guard ON sql_drop WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION no();
ALTER EVENT TRIGGER guard ENABLE REPLICA;
