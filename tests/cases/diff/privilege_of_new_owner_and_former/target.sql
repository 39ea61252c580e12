CREATE TABLE t (id int, v text);
ALTER TABLE t OWNER TO dbsync_case_owner;
GRANT SELECT, UPDATE ON t TO dbsync_case_writer;
GRANT INSERT (v) ON t TO dbsync_case_writer WITH GRANT OPTION;
CREATE FUNCTION f(int, VARIADIC text[]) RETURNS int LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION f(int, text[]) OWNER TO dbsync_case_owner;
CREATE SCHEMA s AUTHORIZATION dbsync_case_owner;
GRANT ALL ON SCHEMA s TO dbsync_case_reader WITH GRANT OPTION;
INSERT INTO t VALUES (1, 'a');
