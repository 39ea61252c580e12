INSERT INTO a SELECT i, i, -i FROM generate_series(1, 20) i; INSERT INTO b SELECT i, i, i, -i FROM generate_series(1, 20) i;
