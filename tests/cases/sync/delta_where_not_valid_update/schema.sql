CREATE TABLE p (id int PRIMARY KEY, code int UNIQUE);
CREATE TABLE c (id int PRIMARY KEY, code int, region text);
ALTER TABLE c ADD FOREIGN KEY (code) REFERENCES p (code) NOT VALID;
