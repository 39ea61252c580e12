CREATE TABLE code (v int, code text NOT NULL UNIQUE);
CREATE TABLE late (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, u int UNIQUE DEFERRABLE);
CREATE TABLE one_side (id int NOT NULL, v int);
CREATE TABLE nulls (id int UNIQUE, v int);
CREATE TABLE partial (id int NOT NULL, v int);
CREATE UNIQUE INDEX ON partial (id) WHERE id > 0;
CREATE TABLE expression (id text NOT NULL, v int);
CREATE UNIQUE INDEX ON expression (lower(id));
CREATE TABLE other_key (a int NOT NULL, b int NOT NULL UNIQUE, v int);
