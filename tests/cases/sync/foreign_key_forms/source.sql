INSERT INTO a SELECT i, i, i FROM generate_series(1, 50) i; INSERT INTO b SELECT i, i, i, i FROM generate_series(1, 50) i;
INSERT INTO b VALUES (51, NULL, NULL, NULL); INSERT INTO c (id, own) SELECT i, i - 50 FROM generate_series(60, 90) i; INSERT INTO d SELECT i FROM generate_series(60, 90) i;
