INSERT INTO "sche.ma ""x"""."ta.ble" SELECT i, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j' FROM generate_series(1, 9) i;
INSERT INTO "lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll"."lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll" ("llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllm") SELECT i FROM generate_series(1, 9) i;
INSERT INTO "lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll"."llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll2" SELECT generate_series(1, 9);
INSERT INTO "select" SELECT i, 'x' FROM generate_series(1, 9) i;
INSERT INTO "Select" ("WHERE") SELECT 'y' FROM generate_series(1, 9) i;
INSERT INTO "🙂" SELECT generate_series(1, 9);
INSERT INTO "line
break" SELECT generate_series(1, 9);
INSERT INTO "--comment" SELECT generate_series(1, 9);
