CREATE TABLE t (a int4range, d daterange, PRIMARY KEY (a, d WITHOUT OVERLAPS)); CREATE INDEX by_d ON t (d);
