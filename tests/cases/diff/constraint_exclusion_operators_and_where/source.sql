-- an exclusion changes its operators, condition, options and deferrability with a column's type
CREATE TABLE b (room int4range, during tstzrange, x int, CONSTRAINT ex EXCLUDE USING gist (room WITH =, during WITH &&) WITH (fillfactor = 70) WHERE (x > 0) DEFERRABLE INITIALLY DEFERRED);
COMMENT ON CONSTRAINT ex ON b IS 'one each';
