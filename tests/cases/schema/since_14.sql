CREATE FUNCTION app.atomic() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM app.z_fifth; SELECT 1; END;
CREATE VIEW app.a_sixth AS SELECT app.atomic();
ALTER TABLE app.ring_a ADD COLUMN packed text COMPRESSION pglz;
CREATE TYPE app.own_name AS RANGE (SUBTYPE = int8, MULTIRANGE_TYPE_NAME = app.many_of_it);
CREATE TABLE app.ranges (a app.many_of_it[], b app.own_name);
CREATE STATISTICS app.expressions ON (b + 1), (b * 2) FROM app.ring_a;
