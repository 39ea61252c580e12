-- an exclusion that needs an extension which is not there yet
CREATE EXTENSION btree_gist;
CREATE TABLE bk (room int, during tstzrange NOT NULL, EXCLUDE USING gist (room WITH =, during WITH &&));
COMMENT ON EXTENSION btree_gist IS 'mine';
