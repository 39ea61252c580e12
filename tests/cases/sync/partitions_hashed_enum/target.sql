CREATE TYPE other AS ENUM ('a', 'b', 'c', 'd', 'e', 'f', 'g');
DROP TYPE other;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad', 'odd', 'low', 'high');
CREATE TABLE note (mood mood NOT NULL, id int NOT NULL, v text, PRIMARY KEY (mood, id)) PARTITION BY HASH (mood);
CREATE TABLE note_0 PARTITION OF note FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE note_1 PARTITION OF note FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO note SELECT m, i, 'target' FROM pg_catalog.unnest(pg_catalog.enum_range(NULL::mood)) m, generate_series(15, 25) i;
