INSERT INTO app.two VALUES (1, 'old'), (2, 'old');
