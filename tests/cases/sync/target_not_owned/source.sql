INSERT INTO parent SELECT i, 'p' FROM generate_series(1, 20) i;
INSERT INTO child (parent, boss) SELECT 1 + i % 20, 201 - i FROM generate_series(1, 200) i;
