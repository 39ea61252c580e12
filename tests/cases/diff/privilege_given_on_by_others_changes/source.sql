-- rights over several hands: one is given on by somebody else, one is no more, one loses its option
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO PUBLIC;
CREATE TABLE app.t (id int, note text);
GRANT SELECT, UPDATE ON app.t TO dbsync_case_owner WITH GRANT OPTION;
SET ROLE dbsync_case_owner;
GRANT SELECT ON app.t TO dbsync_case_writer WITH GRANT OPTION;
SET ROLE dbsync_case_writer;
GRANT SELECT ON app.t TO dbsync_case_reader;
RESET ROLE;
CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
GRANT EXECUTE ON FUNCTION app.f() TO dbsync_case_owner WITH GRANT OPTION;
SET ROLE dbsync_case_owner;
GRANT EXECUTE ON FUNCTION app.f() TO dbsync_case_reader;
RESET ROLE;
