-- objects with equal names in several schemas change differently
CREATE SCHEMA a; CREATE SCHEMA b; CREATE SCHEMA d;
CREATE TABLE a.t (id int PRIMARY KEY, v bigint); CREATE TABLE b.t (id int PRIMARY KEY); CREATE TABLE d.t (id int PRIMARY KEY, v int);
CREATE VIEW a.v AS SELECT * FROM d.t; CREATE VIEW b.v AS SELECT * FROM a.t;
CREATE INDEX i ON a.t (v, id); CREATE INDEX i ON d.t (v);
CREATE TYPE a.e AS ENUM ('x', 'y'); CREATE TYPE b.e AS ENUM ('y');
ALTER TABLE b.t ADD e a.e DEFAULT 'y', ADD f b.e;
