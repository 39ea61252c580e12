INSERT INTO event SELECT i, 'new' FROM generate_series(0, 199) i;
