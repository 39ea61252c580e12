CREATE TABLE u (id int PRIMARY KEY, tenant int, old_role text);
CREATE TABLE d (id int, owner_id int);
CREATE FUNCTION me() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
CREATE POLICY p ON d USING (owner_id IN (SELECT id FROM u WHERE old_role = 'x' AND u.id = me()));
ALTER TABLE d ENABLE ROW LEVEL SECURITY;
