-- columns of many types change under a chain of views, a matview with indexes and grants on both
CREATE SCHEMA app;
CREATE TABLE app.sales (id bigint PRIMARY KEY, amount numeric(14,4) NOT NULL, region text, at timestamptz DEFAULT now());
CREATE INDEX sales_region ON app.sales (region) INCLUDE (amount);
CREATE VIEW app.v1 AS SELECT id, amount, region, at FROM app.sales;
CREATE VIEW app.v2 WITH (security_barrier) AS SELECT region, sum(amount) AS total, max(at) AS last FROM app.v1 GROUP BY region;
CREATE MATERIALIZED VIEW app.m AS SELECT * FROM app.v2 WITH NO DATA;
CREATE UNIQUE INDEX m_region ON app.m (region);
CREATE INDEX m_total ON app.m (total DESC NULLS LAST) WHERE total > 0;
CREATE VIEW app.v3 AS SELECT m.region, v.id FROM app.m m JOIN app.v1 v USING (region);
GRANT SELECT ON app.v1, app.v3 TO dbsync_case_reader;
GRANT SELECT (total) ON app.m TO dbsync_case_writer WITH GRANT OPTION;
COMMENT ON VIEW app.v2 IS 'v''2';
COMMENT ON COLUMN app.m.total IS 'sum';
COMMENT ON INDEX app.m_total IS 'ix';
ALTER MATERIALIZED VIEW app.m OWNER TO dbsync_case_owner;
ALTER VIEW app.v1 OWNER TO dbsync_case_owner;
