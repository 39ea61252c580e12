CREATE TABLE c (id int, p int, region text);
INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, 1, 'eu');
