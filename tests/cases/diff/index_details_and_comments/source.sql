-- indexes that differ in an operator class, a predicate, an expression, an order
CREATE TABLE t (a text, b int);
CREATE INDEX i1 ON t (a text_pattern_ops);
CREATE INDEX i2 ON t (b) WHERE b >= 0;
CREATE INDEX i3 ON t ((upper(a)));
CREATE INDEX i4 ON t (b, a);
COMMENT ON INDEX i4 IS 'y';
CREATE INDEX "i 5" ON t USING brin (b);
