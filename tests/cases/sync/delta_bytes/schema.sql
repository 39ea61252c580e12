CREATE TABLE t (id int PRIMARY KEY, n numeric, f float8, c text, j json, s text, a int[], i interval, z timetz);
