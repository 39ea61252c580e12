INSERT INTO node SELECT i, CASE WHEN i < 200 THEN i + 1 END FROM generate_series(1, 200) i;
