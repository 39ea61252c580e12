INSERT INTO parent SELECT i, 'old' FROM generate_series(10, 30) i;
INSERT INTO child (parent, boss) SELECT 10 + i % 20, i FROM generate_series(1, 300) i;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO case_writer;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO case_writer;
