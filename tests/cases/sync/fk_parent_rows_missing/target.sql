INSERT INTO parent SELECT generate_series(1, 5);
INSERT INTO child VALUES (1, 1);
