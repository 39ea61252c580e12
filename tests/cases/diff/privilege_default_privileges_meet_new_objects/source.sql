-- default privileges of the target must not leak into what the plan creates
CREATE SCHEMA app;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO dbsync_case_reader;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
CREATE VIEW app.v AS SELECT 1 AS w, 2 AS x;
REVOKE ALL ON app.v FROM dbsync_case_reader;
CREATE TABLE app.secret (id int);
REVOKE ALL ON app.secret FROM dbsync_case_reader;
CREATE TABLE app.open (id int);
CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
GRANT EXECUTE ON FUNCTION app.f() TO PUBLIC;
CREATE FUNCTION app.g() RETURNS int LANGUAGE sql AS 'SELECT 1';
