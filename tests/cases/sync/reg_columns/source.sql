INSERT INTO refs VALUES (1, 'refs', 'text', 'pg_catalog.now', 1), (2, 'pg_class', 'int4', '-', 0);
