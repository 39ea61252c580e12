INSERT INTO p VALUES ('kept'), ('ABC'); INSERT INTO q VALUES ('kept'), ('gone'); INSERT INTO c VALUES (1, 'abc'); INSERT INTO d VALUES (1, 'kept');
