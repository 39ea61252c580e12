INSERT INTO t SELECT generate_series(2, 8);
CREATE TABLE own (id int);
CREATE MATERIALIZED VIEW unread AS SELECT count(doubled(id)) AS n FROM own;
INSERT INTO own SELECT generate_series(1, 3);
