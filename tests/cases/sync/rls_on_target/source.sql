INSERT INTO secret SELECT i, 'x' FROM generate_series(1, 100) i;
