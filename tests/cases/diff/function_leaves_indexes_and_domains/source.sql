-- a function goes from a predicate, statistics, a generated column and a domain
CREATE TABLE t (a text, g boolean);
CREATE INDEX i ON t (a) WHERE a = 'x';
CREATE DOMAIN d AS text CHECK (VALUE = 'x');
CREATE TABLE u (d d);
