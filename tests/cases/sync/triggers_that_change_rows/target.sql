INSERT INTO t VALUES (1, 'old');
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN IF new.id = 50 THEN new.v := 'changed'; END IF; RETURN new; END$$;
CREATE TRIGGER meddle BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION meddle();
