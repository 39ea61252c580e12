INSERT INTO parent VALUES (1, 'a', 1), (2, 'b', 2);
INSERT INTO child VALUES (1, 1, 'kept'), (2, 2, 'kept');
GRANT SELECT, INSERT, UPDATE, DELETE ON parent, child TO case_writer;
