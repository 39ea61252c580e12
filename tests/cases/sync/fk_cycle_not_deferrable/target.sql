WITH t AS (INSERT INTO team SELECT i, 10 * i + 1 FROM generate_series(20, 90) i)
INSERT INTO player SELECT 10 * i + n, i FROM generate_series(20, 90) i, generate_series(0, 3) n;
