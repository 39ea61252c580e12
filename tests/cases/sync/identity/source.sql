INSERT INTO always (v) SELECT 'a' FROM generate_series(1, 21);
INSERT INTO by_default VALUES (7, 'x'), (8, 'y');
SELECT setval('by_default_id_seq', 500, false);
INSERT INTO serials (v) SELECT 'a' FROM generate_series(1, 100);
INSERT INTO stale VALUES (1000, 'the sequence was never told');
SELECT setval('"Small"."Odd_Id_seq"', 31999);
