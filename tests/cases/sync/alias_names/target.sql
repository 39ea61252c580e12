INSERT INTO src VALUES (1, 'old');
