INSERT INTO t (t, s, "row", count, sum, q) SELECT i, 's', 'row', i, -i, 'q' FROM generate_series(1, 50) i;
INSERT INTO "row" SELECT i, 'x' FROM generate_series(1, 50) i;
INSERT INTO src SELECT i, 'y' FROM generate_series(1, 50) i;
