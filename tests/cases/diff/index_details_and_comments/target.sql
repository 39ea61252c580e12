CREATE TABLE t (a text, b int);
CREATE INDEX i1 ON t (a);
CREATE INDEX i2 ON t (b) WHERE b > 0;
CREATE INDEX i3 ON t ((lower(a)));
CREATE INDEX i4 ON t (a, b);
COMMENT ON INDEX i4 IS 'x';
