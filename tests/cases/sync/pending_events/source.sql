INSERT INTO parent SELECT i, i FROM generate_series(1, 100) i; INSERT INTO child SELECT i, i FROM generate_series(1, 100) i;
UPDATE parent SET favourite = 101 - id;
