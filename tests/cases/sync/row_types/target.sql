INSERT INTO part VALUES (2, 'old');
