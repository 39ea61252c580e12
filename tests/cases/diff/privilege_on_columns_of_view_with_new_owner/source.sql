-- rights on a view's columns change together with its owner
CREATE TABLE t (id int, v text);
CREATE VIEW v AS SELECT id, v FROM t;
ALTER VIEW v OWNER TO dbsync_case_owner;
GRANT SELECT (v), UPDATE (v) ON v TO dbsync_case_owner;
