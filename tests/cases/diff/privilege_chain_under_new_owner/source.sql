-- rights that were given on, while the owner changes
CREATE SCHEMA s;
GRANT ALL ON SCHEMA s TO PUBLIC;
CREATE TABLE s.t (a int);
ALTER TABLE s.t OWNER TO dbsync_case_writer;
SET ROLE dbsync_case_writer;
GRANT SELECT, UPDATE ON s.t TO dbsync_case_owner WITH GRANT OPTION;
SET ROLE dbsync_case_owner;
GRANT SELECT ON s.t TO dbsync_case_reader;
RESET ROLE;
