INSERT INTO secret SELECT i, CASE i % 2 WHEN 0 THEN 'case_reader' ELSE 'other' END FROM generate_series(1, 1000) i;
INSERT INTO open SELECT generate_series(1, 10);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secret USING (owner = current_user);
GRANT SELECT ON ALL TABLES IN SCHEMA public TO case_reader;
