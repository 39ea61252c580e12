CREATE TABLE parent (id int PRIMARY KEY, v text);
CREATE TABLE child (id serial PRIMARY KEY, parent int NOT NULL REFERENCES parent, boss int REFERENCES child);
