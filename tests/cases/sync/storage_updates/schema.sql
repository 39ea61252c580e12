CREATE TABLE t (id int PRIMARY KEY, plain text NOT NULL, v text);
CREATE TABLE u (id int PRIMARY KEY, t int REFERENCES t);
