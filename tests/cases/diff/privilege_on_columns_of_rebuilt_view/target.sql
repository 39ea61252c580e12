CREATE TABLE t (a int, b text, c text);
CREATE VIEW v AS SELECT a, b FROM t;
GRANT SELECT (a), UPDATE (b) ON v TO dbsync_case_reader;
GRANT SELECT ON v TO dbsync_case_writer WITH GRANT OPTION;
REVOKE INSERT ON v FROM postgres;
COMMENT ON COLUMN v.a IS 'a';
ALTER VIEW v OWNER TO dbsync_case_owner;
GRANT SELECT ON t TO dbsync_case_owner;
