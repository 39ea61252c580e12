-- the CLUSTER mark moves to an index before it in the alphabet, and from an index to a key
CREATE TABLE a (x int NOT NULL, y int NOT NULL);
CREATE UNIQUE INDEX ax ON a (x);
CREATE UNIQUE INDEX ay ON a (y);
ALTER TABLE a CLUSTER ON ax;
CREATE TABLE b (x int CONSTRAINT bk PRIMARY KEY, y int);
CREATE INDEX by ON b (y);
ALTER TABLE b CLUSTER ON bk;
CREATE TABLE c (x int CONSTRAINT ck PRIMARY KEY, y int);
CREATE INDEX cy ON c (y);
ALTER TABLE c CLUSTER ON cy;
CREATE TABLE d (x int, y int);
CREATE INDEX d0 ON d (y);
CREATE INDEX d1 ON d (x);
ALTER TABLE d CLUSTER ON d0;
