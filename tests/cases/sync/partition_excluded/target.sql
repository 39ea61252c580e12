INSERT INTO event SELECT i, 'old' FROM generate_series(50, 150) i;
