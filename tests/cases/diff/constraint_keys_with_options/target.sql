CREATE TABLE t (id int NOT NULL, a int, b int);
INSERT INTO t VALUES (1, 1, 1);
