CREATE TABLE n (k numeric PRIMARY KEY, v int);
CREATE TABLE child (id int PRIMARY KEY, k numeric REFERENCES n ON DELETE CASCADE);
CREATE TABLE f (k float8, l float4, v int, PRIMARY KEY (k, l));
CREATE TABLE wider (k int, v int, PRIMARY KEY (k));
