CREATE SCHEMA a; CREATE SCHEMA b; CREATE TYPE a.mood AS ENUM ('x', 'y'); CREATE TYPE b.mood AS ENUM ('x', 'y');
CREATE TABLE a.t1 (m a.mood); CREATE TABLE a.t2 (m a.mood); CREATE TABLE b.t2 (m b.mood);
