INSERT INTO parent VALUES (1, 'p');
