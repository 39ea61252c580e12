-- default privileges, global and by schema, for another role
CREATE SCHEMA app;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT, INSERT ON TABLES TO dbsync_case_writer WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT USAGE ON SEQUENCES TO dbsync_case_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE dbsync_case_owner GRANT USAGE ON TYPES TO dbsync_case_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE dbsync_case_owner GRANT USAGE ON SCHEMAS TO dbsync_case_reader;
