INSERT INTO parent (v) SELECT 'old' FROM generate_series(1, 30); INSERT INTO child (parent) SELECT 1 + i % 30 FROM generate_series(1, 100) i;

GRANT SELECT, INSERT, UPDATE, DELETE ON parent, child TO case_writer; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO case_writer;
