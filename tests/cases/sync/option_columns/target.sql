INSERT INTO p VALUES (1, 'x', 'y');
