CREATE TABLE b (room int4range, during tsrange, x int, CONSTRAINT ex EXCLUDE USING gist (room WITH &&, during WITH &&));
