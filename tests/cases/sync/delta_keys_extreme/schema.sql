CREATE TABLE both_ends (id int8 PRIMARY KEY, v int);
CREATE TABLE apart (id int8 PRIMARY KEY, v int);
CREATE TABLE low (id int8 PRIMARY KEY, v int);
CREATE TABLE high (id int8 PRIMARY KEY, v int);
