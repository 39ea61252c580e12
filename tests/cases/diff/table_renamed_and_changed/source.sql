-- a table and its column are renamed by hint, and change their types and identity too
CREATE TABLE b (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, y bigint CHECK (y > 1));
CREATE INDEX ax ON b (y);
CREATE VIEW v AS SELECT y AS x FROM b;
CREATE TABLE c (a int REFERENCES b);
