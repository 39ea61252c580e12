-- arrays, JSON, text, times and numbers change their types, with GIN indexes
CREATE TABLE t (a bigint[], b jsonb, c int, d date, e int, f numeric(12,4), g text);
CREATE INDEX ta ON t USING gin (a);
CREATE INDEX tb ON t USING gin (b jsonb_path_ops);
