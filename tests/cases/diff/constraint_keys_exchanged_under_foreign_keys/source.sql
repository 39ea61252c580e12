-- primary key and unique constraint exchange their columns, with replica identity and clustering
CREATE TABLE t (id int NOT NULL, code text NOT NULL, CONSTRAINT tp PRIMARY KEY (code), CONSTRAINT tc UNIQUE (id) DEFERRABLE);
CREATE TABLE c (t int, code text CONSTRAINT cc REFERENCES t (code));
ALTER TABLE t REPLICA IDENTITY USING INDEX tp;
ALTER TABLE t CLUSTER ON tc;
