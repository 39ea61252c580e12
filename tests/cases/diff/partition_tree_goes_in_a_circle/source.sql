-- partitioned tables go whose foreign keys refer to themselves and to each other; one partition stays as a table
CREATE TABLE p1 (id int NOT NULL, up int, v text);
CREATE TABLE stays (id int PRIMARY KEY, q int);
