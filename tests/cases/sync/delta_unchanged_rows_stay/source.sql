INSERT INTO t SELECT i, i FROM generate_series(1, 5000) i;
INSERT INTO keyless SELECT i % 10 FROM generate_series(1, 1000) i WHERE i % 10 <> 3;
INSERT INTO keyless SELECT 3 FROM generate_series(1, 90);
INSERT INTO keyless SELECT 77 FROM generate_series(1, 5);
INSERT INTO same SELECT i, i FROM generate_series(1, 10) i;
ANALYZE t;
