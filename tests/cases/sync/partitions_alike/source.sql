INSERT INTO event SELECT i, date '2022-06-01' + i % 1400, md5(i::text) FROM generate_series(1, 1000) i;

INSERT INTO note SELECT id, id, day FROM event WHERE id % 7 = 0;
