INSERT INTO a SELECT generate_series(1, 9); INSERT INTO b SELECT generate_series(1, 9);
