INSERT INTO n VALUES (1.00, 1), (2, 2), (100, 3), (0.0, 4);
INSERT INTO child VALUES (1, 1.00), (2, 2);
INSERT INTO f VALUES ('-0', 0, 1), (1, 1, 1);
INSERT INTO wider VALUES (10, 1), (20, 2);
