CREATE TYPE fr AS RANGE (subtype = float8, multirange_type_name = fmr);
CREATE TABLE t (r fr);
