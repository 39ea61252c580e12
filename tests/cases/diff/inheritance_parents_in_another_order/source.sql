-- a table of two parents gets them in another order, with checks and columns that come
CREATE TABLE p1 (a int, b text, CONSTRAINT nn CHECK (b <> ''));
CREATE TABLE p2 (a int, c int DEFAULT 3, n int);
CREATE TABLE k (d int, b text NOT NULL DEFAULT 'x') INHERITS (p2, p1);
CREATE TABLE kk (own int) INHERITS (k);
