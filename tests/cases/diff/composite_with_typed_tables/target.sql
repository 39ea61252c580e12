CREATE TYPE ct AS (a int, b text);
CREATE TABLE tt OF ct (a PRIMARY KEY);
CREATE TABLE holder (row tt, arr ct[]);
CREATE FUNCTION ff(tt) RETURNS int LANGUAGE sql AS 'SELECT $1.a';
