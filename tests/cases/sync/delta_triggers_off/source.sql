INSERT INTO t VALUES (1, 'same'), (2, 'new'), (4, 'new');
