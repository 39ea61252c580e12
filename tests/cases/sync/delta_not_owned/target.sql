INSERT INTO parent VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3);
INSERT INTO child VALUES (1, 1, 'same'), (2, 1, 'old'), (3, 3, 'own');
GRANT SELECT, INSERT, UPDATE, DELETE ON parent, child TO case_writer;
