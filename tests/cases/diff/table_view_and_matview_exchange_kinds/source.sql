-- a table becomes a view, a view a matview, a matview a view, with others over them
CREATE TABLE base (a int);
CREATE VIEW t AS SELECT a FROM base;
CREATE MATERIALIZED VIEW v AS SELECT a FROM base;
CREATE VIEW m AS SELECT a FROM base;
CREATE VIEW onm AS SELECT a FROM m;
CREATE VIEW onv AS SELECT a FROM v;
CREATE UNIQUE INDEX vi ON v (a);
