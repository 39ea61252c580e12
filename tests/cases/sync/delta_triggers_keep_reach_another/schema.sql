CREATE TABLE audit (id int PRIMARY KEY, v text);
CREATE TABLE orders (id int PRIMARY KEY, v text);
