CREATE TABLE nothing (); CREATE TABLE hollow (gone int); ALTER TABLE hollow DROP COLUMN gone;
CREATE TABLE empty (id int PRIMARY KEY);
