INSERT INTO p VALUES (1), (7); INSERT INTO c VALUES (1, 1, 'eu'), (2, 7, 'us');
