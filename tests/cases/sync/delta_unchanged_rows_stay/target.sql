INSERT INTO t SELECT i, CASE WHEN i % 50 = 7 THEN 0 ELSE i END FROM generate_series(1, 5000) i WHERE i % 50 <> 8;
INSERT INTO t SELECT i, i FROM generate_series(6001, 6100) i;
INSERT INTO keyless SELECT i % 10 FROM generate_series(1, 1000) i;
INSERT INTO same SELECT i, i FROM generate_series(1, 10) i;
CREATE TABLE seen AS SELECT ctid AS at, xmin::text AS x, tableoid AS of FROM t
  UNION ALL SELECT ctid, xmin::text, tableoid FROM keyless UNION ALL SELECT ctid, xmin::text, tableoid FROM same;
