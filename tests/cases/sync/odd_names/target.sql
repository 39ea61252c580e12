INSERT INTO "lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll"."llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll2" SELECT generate_series(5, 90);
INSERT INTO "Select" ("WHERE") SELECT 'old' FROM generate_series(1, 50) i;
