CREATE TABLE differs_2 PARTITION OF differs FOR VALUES FROM (100) TO (MAXVALUE);
INSERT INTO alike SELECT i, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END, i FROM generate_series(1, 100) i;
INSERT INTO differs SELECT i, i FROM generate_series(1, 300) i;
INSERT INTO bare SELECT i, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END FROM generate_series(1, 100) i;
