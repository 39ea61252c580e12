INSERT INTO p VALUES (1), (7); INSERT INTO c VALUES (100, 1), (5, 7);
GRANT ALL ON p, c, c_old, c_new TO case_writer;
