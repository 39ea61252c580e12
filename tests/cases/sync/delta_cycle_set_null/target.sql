INSERT INTO a SELECT i, NULL FROM generate_series(1, 4) i; INSERT INTO b SELECT i, i FROM generate_series(1, 4) i;
UPDATE a SET b = id;
