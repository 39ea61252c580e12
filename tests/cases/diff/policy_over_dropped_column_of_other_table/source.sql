-- a policy reads another table's column that goes, and a function that changes
CREATE TABLE u (id bigint PRIMARY KEY, tenant int, role text);
CREATE TABLE d (id int, owner_id bigint);
CREATE FUNCTION me() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT 1';
CREATE POLICY p ON d TO dbsync_case_reader USING (owner_id IN (SELECT id FROM u WHERE role = 'x' AND u.id = me()));
ALTER TABLE d ENABLE ROW LEVEL SECURITY;
