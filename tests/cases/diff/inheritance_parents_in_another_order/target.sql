CREATE TABLE p1 (a int, b text NOT NULL);
CREATE TABLE p2 (a int, c int DEFAULT 2);
CREATE TABLE k (d int) INHERITS (p1, p2);
CREATE TABLE kk () INHERITS (k);
