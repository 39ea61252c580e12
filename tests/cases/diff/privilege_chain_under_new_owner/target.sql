CREATE SCHEMA s;
GRANT ALL ON SCHEMA s TO PUBLIC;
CREATE TABLE s.t (a int);
ALTER TABLE s.t OWNER TO dbsync_case_owner;
SET ROLE dbsync_case_owner;
GRANT SELECT ON s.t TO dbsync_case_reader WITH GRANT OPTION;
SET ROLE dbsync_case_reader;
GRANT SELECT ON s.t TO dbsync_case_writer;
RESET ROLE;
