-- rights on domains over arrays and over types with elements
CREATE DOMAIN da AS int[];
REVOKE USAGE ON DOMAIN da FROM PUBLIC;
GRANT USAGE ON DOMAIN da TO dbsync_case_reader;
CREATE DOMAIN dp AS point;
GRANT USAGE ON DOMAIN dp TO dbsync_case_writer WITH GRANT OPTION;
CREATE DOMAIN dn AS int[];
REVOKE USAGE ON DOMAIN dn FROM PUBLIC;
