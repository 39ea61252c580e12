CREATE TABLE swapped (x int, c text, extra text, b int, y int, a int, made int NOT NULL DEFAULT 7, PRIMARY KEY (a));
ALTER TABLE swapped DROP COLUMN x, DROP COLUMN y;
INSERT INTO swapped SELECT 'old', 'old', i, i FROM generate_series(1, 90) i;
