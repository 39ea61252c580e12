INSERT INTO parent SELECT i, 'old' FROM generate_series(1, 20) i; INSERT INTO child SELECT i, i FROM generate_series(1, 20) i;
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN new.v := new.v || CASE new.id WHEN 50 THEN ' ' ELSE '' END; RETURN new; END$$;
CREATE TRIGGER meddle BEFORE INSERT ON parent FOR EACH ROW EXECUTE FUNCTION meddle();
