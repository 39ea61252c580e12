INSERT INTO parent (v) SELECT 'old' FROM generate_series(1, 30); INSERT INTO child (parent) SELECT 1 + i % 30 FROM generate_series(1, 100) i;

ALTER TABLE child OWNER TO case_writer; GRANT SELECT, INSERT, UPDATE, DELETE ON parent TO case_writer;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO case_writer; ALTER MATERIALIZED VIEW counted OWNER TO case_writer;
