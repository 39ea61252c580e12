CREATE TABLE parent (id int PRIMARY KEY, code text UNIQUE, v int);
CREATE TABLE child (id int PRIMARY KEY, code text REFERENCES parent (code) ON UPDATE CASCADE);
