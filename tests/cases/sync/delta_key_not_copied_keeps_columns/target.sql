INSERT INTO t VALUES (1, 'a', 'mine'), (2, 'c', 'mine, too');
