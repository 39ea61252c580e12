-- keys with storage options, included columns and tablespaces' defaults come to tables with rows
CREATE TABLE t (id int NOT NULL, a int, b int, CONSTRAINT tk PRIMARY KEY (id) INCLUDE (a) WITH (fillfactor = 60), CONSTRAINT tu UNIQUE NULLS NOT DISTINCT (b) WITH (fillfactor = 70, deduplicate_items = off) DEFERRABLE INITIALLY DEFERRED);
