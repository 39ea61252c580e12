INSERT INTO one SELECT FROM generate_series(1, 20);
INSERT INTO two SELECT FROM generate_series(1, 20);
INSERT INTO falling SELECT FROM generate_series(1, 11);
INSERT INTO spokes SELECT FROM generate_series(1, 11);
SELECT setval('free', 5000);
SELECT setval('ahead', 100);
