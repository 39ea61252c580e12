CREATE TABLE parent (id int PRIMARY KEY, code text UNIQUE, place int NOT NULL UNIQUE);
CREATE TABLE child (id int PRIMARY KEY, parent int NOT NULL REFERENCES parent ON DELETE CASCADE, v text);
