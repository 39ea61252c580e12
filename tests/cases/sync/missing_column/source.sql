CREATE TABLE t (a int, lost text); INSERT INTO t VALUES (1, 'x');
