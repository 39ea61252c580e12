INSERT INTO event VALUES (1, 1, 'old');
