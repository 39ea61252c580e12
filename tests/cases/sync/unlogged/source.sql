INSERT INTO u SELECT generate_series(1, 50); INSERT INTO logged SELECT generate_series(1, 5);
