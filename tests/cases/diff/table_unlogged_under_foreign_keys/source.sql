-- tables that refer to each other become logged and unlogged
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (a int REFERENCES a);
CREATE SEQUENCE sq;
CREATE UNLOGGED TABLE c (id int PRIMARY KEY);
CREATE UNLOGGED TABLE d (c int REFERENCES c);
