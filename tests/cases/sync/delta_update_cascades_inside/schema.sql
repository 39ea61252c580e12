CREATE TABLE parent (id int PRIMARY KEY, code text UNIQUE NOT NULL);
CREATE TABLE child (code text REFERENCES parent (code) ON UPDATE CASCADE, n int, v int, PRIMARY KEY (code, n));
