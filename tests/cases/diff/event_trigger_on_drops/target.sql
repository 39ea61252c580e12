CREATE TABLE a (x int);
CREATE TABLE b (y int);
CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN IF current_setting('my.allow', true) IS NULL THEN RAISE NOTICE 'dropped'; END IF; END$$;
CREATE EVENT TRIGGER guard ON sql_drop EXECUTE FUNCTION no();
