INSERT INTO parent (v) SELECT 'p' FROM generate_series(1, 20); INSERT INTO child (parent) SELECT 1 + i % 20 FROM generate_series(1, 200) i;
REFRESH MATERIALIZED VIEW counted;
