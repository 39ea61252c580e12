INSERT INTO c_parent SELECT i, md5(i::text) FROM generate_series(1, 10) i;
INSERT INTO b_child SELECT i, 1 + i % 10 FROM generate_series(1, 100) i;
INSERT INTO a_grandchild SELECT i, 1 + i % 100 FROM generate_series(1, 300) i;
