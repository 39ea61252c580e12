INSERT INTO t VALUES (1, 'old', 7);
