INSERT INTO t VALUES (1, 'same'), (1, 'same'), (1, 'same'), (2, 'same');
