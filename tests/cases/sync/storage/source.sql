INSERT INTO t SELECT i, repeat('plain' || i, 800), repeat('v' || i, 3000) FROM generate_series(1, 60) i;
INSERT INTO u SELECT i, i FROM generate_series(1, 60) i;
