-- two tables that refer to each other get other key types; two new ones do so too
CREATE TABLE a (id bigint PRIMARY KEY, b bigint);
CREATE TABLE b (id bigint PRIMARY KEY, a bigint REFERENCES a DEFERRABLE);
ALTER TABLE a ADD CONSTRAINT ab FOREIGN KEY (b) REFERENCES b;
CREATE TABLE c (id int PRIMARY KEY, d int);
CREATE TABLE d (id int PRIMARY KEY, c int REFERENCES c);
ALTER TABLE c ADD FOREIGN KEY (d) REFERENCES d;
