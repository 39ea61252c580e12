INSERT INTO t VALUES (1, 'same'), (2, 'old'), (9, 'own');
INSERT INTO keyless VALUES (1), (1), (2);
CREATE TABLE seen AS SELECT id, xmin::text AS x FROM t;
