INSERT INTO open VALUES (1); INSERT INTO closed VALUES (1);
GRANT SELECT ON open TO case_reader; GRANT SELECT (id) ON half TO case_reader; GRANT SELECT ON app.shut TO case_reader;
