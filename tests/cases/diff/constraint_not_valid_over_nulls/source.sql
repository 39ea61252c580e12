-- NOT NULL NOT VALID over rows without a value, a named one, a check not enforced
CREATE TABLE t (a int, b int, c int);
ALTER TABLE t ADD CONSTRAINT bnn NOT NULL b NOT VALID;
ALTER TABLE t ADD CONSTRAINT cnew NOT NULL c;
ALTER TABLE t ADD PRIMARY KEY (a);
ALTER TABLE t ADD CONSTRAINT ck CHECK (b > 0) NOT ENFORCED;
