INSERT INTO n VALUES (1.0, 1), (2, 2), (100.0, 3), (0.0, 4);
INSERT INTO child VALUES (1, 1.0), (2, 2);
INSERT INTO f VALUES (0, '-0', 1), (1, 1, 1);
ALTER TABLE wider ALTER k TYPE numeric;
INSERT INTO wider VALUES (10.0, 1), (20, 2);
