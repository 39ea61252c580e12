INSERT INTO a SELECT i, 0 FROM generate_series(1, 100) i;
INSERT INTO b SELECT i, 0 FROM generate_series(1, 100) i;
