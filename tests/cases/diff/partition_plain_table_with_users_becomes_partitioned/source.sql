-- a table with an identity, a view, grants and a foreign key to it becomes partitioned
CREATE TABLE ev (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE ev_d PARTITION OF ev DEFAULT;
CREATE INDEX ei ON ev (at);
CREATE VIEW v AS SELECT * FROM ev;
CREATE TABLE r (id bigint, at timestamptz, FOREIGN KEY (id, at) REFERENCES ev);
GRANT INSERT ON ev TO dbsync_case_writer;
