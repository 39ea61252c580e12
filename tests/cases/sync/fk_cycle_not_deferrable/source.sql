WITH t AS (INSERT INTO team SELECT i, 10 * i FROM generate_series(1, 50) i)
INSERT INTO player SELECT 10 * i + n, i FROM generate_series(1, 50) i, generate_series(0, 3) n;
