CREATE TABLE bk (room int, during tstzrange);
