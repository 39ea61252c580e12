INSERT INTO city SELECT 'old', i FROM generate_series(1, 3) i;
INSERT INTO port VALUES ('old', 1, 'old');
