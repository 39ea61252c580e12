INSERT INTO t VALUES (1, 'same'), (2, 'new'), (3, 'new');
INSERT INTO keyless VALUES (1), (3);
