INSERT INTO audit SELECT i, 'audit' FROM generate_series(1, 20) i;
INSERT INTO orders SELECT i, 'order' FROM generate_series(1, 30) i;
