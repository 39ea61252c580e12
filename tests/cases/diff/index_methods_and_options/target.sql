CREATE TABLE t (a int, b text, c int[], d tsvector, p point);
CREATE INDEX i1 ON t USING brin (a) WITH (pages_per_range = 16);
CREATE INDEX i2 ON t USING gin (c);
CREATE INDEX i3 ON t USING gist (p);
CREATE INDEX i4 ON t USING hash (b);
CREATE UNIQUE INDEX i5 ON t (a DESC NULLS LAST, lower(b) COLLATE "C" text_pattern_ops);
