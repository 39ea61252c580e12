INSERT INTO p VALUES (5, 1, 'old'), (40, 1, 'old'), (6, 2, 'old');
