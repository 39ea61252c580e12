-- a check of the topmost table changes and NO INHERIT comes; the lowest table leaves
CREATE TABLE g (a bigint CONSTRAINT pos CHECK (a > 10) NO INHERIT, b text DEFAULT 'q', z int NOT NULL DEFAULT 0);
CREATE TABLE o (oo int);
CREATE TABLE p (c int) INHERITS (g);
CREATE TABLE k (a bigint, b text, c int, d int, z int NOT NULL DEFAULT 0);
CREATE VIEW v AS SELECT a FROM g;
