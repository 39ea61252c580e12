CREATE TABLE t (a int[], b json, c text, d timestamp, e numeric(10,2), f float8, g inet);
CREATE INDEX ta ON t USING gin (a);
INSERT INTO t VALUES ('{1,2}', '{"a":1}', '5', '2020-01-01', 3.5, 2, '1.2.3.4');
