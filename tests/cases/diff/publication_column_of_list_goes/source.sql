-- a column of a publication's list goes, one of its row filter is retyped, another table's whole list changes
CREATE TABLE t (id int PRIMARY KEY, n bigint, s text);
CREATE TABLE u (id int PRIMARY KEY, n int, s text);
CREATE PUBLICATION p FOR TABLE t (id, n) WHERE (n > 3), TABLE u (id, s);
