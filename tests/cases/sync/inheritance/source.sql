INSERT INTO city SELECT 'c' || i, i FROM generate_series(1, 10) i;
INSERT INTO capital SELECT 'k' || i, i, 'x' FROM generate_series(1, 5) i;
INSERT INTO port SELECT 'p' || i, i, 'north' FROM generate_series(1, 7) i;
