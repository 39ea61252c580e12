CREATE TABLE swapped (a int, b int, gone text, c text, PRIMARY KEY (a));
ALTER TABLE swapped DROP COLUMN gone;
INSERT INTO swapped SELECT i, -i, 'c' || i FROM generate_series(1, 50) i;
