-- rights on a view and its columns stay when it is made anew
CREATE TABLE t (a bigint, b varchar(5), c text);
CREATE VIEW v AS SELECT a, b, c FROM t;
GRANT SELECT (a), UPDATE (b) ON v TO dbsync_case_reader;
GRANT SELECT ON v TO dbsync_case_writer WITH GRANT OPTION;
REVOKE INSERT ON v FROM postgres;
COMMENT ON COLUMN v.a IS 'a';
ALTER VIEW v OWNER TO dbsync_case_owner;
GRANT SELECT ON t TO dbsync_case_owner;
