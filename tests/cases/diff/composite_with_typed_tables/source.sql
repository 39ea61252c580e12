-- a composite type with a table of its own gets an attribute
CREATE TYPE ct AS (a int, b text, c date);
CREATE TABLE tt OF ct (a PRIMARY KEY, c DEFAULT now());
CREATE TABLE holder (row tt, arr ct[]);
CREATE FUNCTION ff(tt) RETURNS int LANGUAGE sql AS 'SELECT $1.a';
