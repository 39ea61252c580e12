INSERT INTO p (k, v) SELECT 1 + i % 2, i::text FROM generate_series(1, 80) i; INSERT INTO other SELECT generate_series(1, 9);
