INSERT INTO t SELECT i, 'same' FROM generate_series(1, 100) i, generate_series(1, 3);
INSERT INTO t VALUES (NULL, NULL), (NULL, NULL), (NULL, '');
