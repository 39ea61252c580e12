CREATE TABLE p (id int, t text, u text, v text);
CREATE TABLE c (own int) INHERITS (p);
CREATE TABLE c2 (own int) INHERITS (p);
ALTER TABLE c2 ALTER t SET STATISTICS 50;
CREATE TABLE m (k int, t text) PARTITION BY LIST (k);
CREATE TABLE m1 PARTITION OF m FOR VALUES IN (1);
INSERT INTO p VALUES (1, 'a', 'b', 'c'); INSERT INTO c VALUES (1, 'a', 'b', 'c'); INSERT INTO m VALUES (1, 'x');
