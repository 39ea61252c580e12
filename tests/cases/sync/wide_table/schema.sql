DO $$BEGIN EXECUTE 'CREATE TABLE wide (' || (SELECT string_agg(format('c%s %s', i, (ARRAY['int', 'bool', 'text', 'int2'])[1 + i % 4]), ', ')
    FROM generate_series(1, 1600) i) || ')'; END$$;
