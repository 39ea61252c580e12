-- two tables exchange their names, without a hint
CREATE TABLE b (x int PRIMARY KEY, y text);
CREATE TABLE a (p date, q int REFERENCES b);
CREATE VIEW v AS SELECT * FROM a;
