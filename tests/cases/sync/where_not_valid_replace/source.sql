INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (10, 1, 'us'), (11, 2, 'eu');
