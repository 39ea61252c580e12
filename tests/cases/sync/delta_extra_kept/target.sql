INSERT INTO t VALUES (1, 'same'), (2, 'old'), (8, 'own'), (9, 'own');
INSERT INTO keyless VALUES (1), (1), (2), (2);
