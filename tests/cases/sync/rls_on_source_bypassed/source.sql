INSERT INTO secret SELECT i, 'x' FROM generate_series(1, 1000) i;
