DO $$BEGIN EXECUTE format('INSERT INTO wide SELECT %s FROM generate_series(1, 20) n', (SELECT string_agg(
    (ARRAY['CASE WHEN n > 2 THEN n END', 'n > 10', '''t''', 'n::int2'])[1 + i % 4], ', ') FROM generate_series(1, 1600) i)); END$$;
INSERT INTO wide DEFAULT VALUES;
