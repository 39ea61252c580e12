SELECT setval('ahead', 900);
SELECT setval('wheel', 3);
