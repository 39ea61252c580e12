CREATE TABLE open (id int PRIMARY KEY); CREATE TABLE closed (id int PRIMARY KEY); CREATE SCHEMA app;
CREATE TABLE app.shut (id int PRIMARY KEY); CREATE TABLE half (id int PRIMARY KEY, secret text);
