-- owners change while rights, defaults of rights and grants by the former owner change
CREATE TABLE t (id int, v text);
ALTER TABLE t OWNER TO dbsync_case_writer;
GRANT SELECT ON t TO dbsync_case_owner WITH GRANT OPTION;
REVOKE UPDATE ON t FROM dbsync_case_writer;
GRANT INSERT (v), UPDATE (id) ON t TO dbsync_case_reader WITH GRANT OPTION;
CREATE FUNCTION f(int, VARIADIC text[]) RETURNS int LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION f(int, text[]) OWNER TO dbsync_case_reader;
REVOKE ALL ON FUNCTION f(int, text[]) FROM PUBLIC;
CREATE SCHEMA s AUTHORIZATION dbsync_case_reader;
GRANT CREATE ON SCHEMA s TO dbsync_case_owner;
