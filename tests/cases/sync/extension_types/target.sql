CREATE SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE EXTENSION ltree SCHEMA ext;
CREATE TABLE t (id int PRIMARY KEY, h ext.hstore, c ext.citext UNIQUE, l ext.ltree, hs ext.hstore[]);
