INSERT INTO event SELECT i, date '2023-01-01' + i % 600, 'old' FROM generate_series(500, 1500) i;
INSERT INTO note SELECT id, id, day FROM event WHERE id % 5 = 0;
