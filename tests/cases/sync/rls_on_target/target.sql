INSERT INTO secret VALUES (7, 'hidden'), (8, 'case_writer');
ALTER TABLE secret OWNER TO case_writer;
ALTER TABLE secret ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON secret USING (owner = current_user);
