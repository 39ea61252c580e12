-- owner, comment and privileges of an existing schema
CREATE SCHEMA app AUTHORIZATION dbsync_case_owner;
GRANT USAGE ON SCHEMA app TO dbsync_case_writer WITH GRANT OPTION;
GRANT USAGE ON SCHEMA app TO dbsync_case_reader;
