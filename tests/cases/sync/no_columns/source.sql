INSERT INTO nothing SELECT FROM generate_series(1, 3); INSERT INTO hollow SELECT FROM generate_series(1, 5);
