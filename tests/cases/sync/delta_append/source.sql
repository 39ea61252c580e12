INSERT INTO t VALUES (0, 'new'), (1, 'same'), (2, 'other'), (3, 'new');
INSERT INTO keyless VALUES (1), (1), (1);
