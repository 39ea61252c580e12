INSERT INTO parent VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3);
INSERT INTO child SELECT i, 1 + i % 3, 'kept' FROM generate_series(1, 6) i;
CREATE TABLE seen AS SELECT id, xmin::text AS x FROM child;
