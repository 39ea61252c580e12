INSERT INTO part VALUES (1, 'x'); INSERT INTO whole SELECT i, ROW(i, 'b')::part, ARRAY[ROW(1, NULL)::part, NULL] FROM generate_series(1, 30) i;
