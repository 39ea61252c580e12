-- policies change their command, roles, kind and conditions with subqueries
CREATE TABLE t (a int, o name);
CREATE TABLE u (a int);
CREATE POLICY p1 ON t FOR UPDATE TO dbsync_case_reader, dbsync_case_writer USING (o = current_user) WITH CHECK (a > 1);
CREATE POLICY p2 ON t AS PERMISSIVE FOR ALL USING (a > 0);
CREATE POLICY p3 ON t FOR INSERT WITH CHECK (EXISTS (SELECT 1 FROM u WHERE u.a = t.a));
CREATE POLICY "p ""4""" ON u FOR DELETE TO CURRENT_USER USING (true);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
ALTER TABLE t FORCE ROW LEVEL SECURITY;
COMMENT ON POLICY p1 ON t IS 'p';
