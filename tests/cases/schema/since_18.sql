CREATE TABLE app.temporal (id int4range, during daterange, twice int, v int GENERATED ALWAYS AS (twice * 2) VIRTUAL,
    PRIMARY KEY (id, during WITHOUT OVERLAPS));
CREATE TABLE app.refers_temporal (id int4range, during daterange,
    FOREIGN KEY (id, PERIOD during) REFERENCES app.temporal (id, PERIOD during));
ALTER TABLE app.refers_temporal ADD CONSTRAINT unenforced CHECK (id IS NOT NULL) NOT ENFORCED;
CREATE TABLE app.parts (id int GENERATED ALWAYS AS IDENTITY, b int) PARTITION BY LIST (b);
CREATE TABLE app.parts_1 PARTITION OF app.parts FOR VALUES IN (1);
CREATE TABLE app.strict (a int CONSTRAINT never_null NOT NULL, b int NOT NULL NO INHERIT, c int NOT NULL);
ALTER TABLE app.strict ADD COLUMN d int, ADD CONSTRAINT soon NOT NULL d NOT VALID;
