INSERT INTO p SELECT generate_series(1, 4); INSERT INTO p VALUES (12), (13);
INSERT INTO child VALUES (1), (2);
