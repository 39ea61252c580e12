CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL, c int GENERATED ALWAYS AS (a * 2) STORED, d int, e int);
CREATE VIEW v AS SELECT b, c FROM t;
INSERT INTO t (a, d, e) VALUES (1, 2, 3);
