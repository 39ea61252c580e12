CREATE TABLE t (id int PRIMARY KEY, v text);
CREATE INDEX by_v ON t (v);
CREATE VIEW grouped AS SELECT id, v, count(*) FROM t GROUP BY id;
