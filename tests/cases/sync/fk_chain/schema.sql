CREATE TABLE c_parent (id int PRIMARY KEY, v text);
CREATE TABLE b_child (id int PRIMARY KEY, parent int NOT NULL REFERENCES c_parent);
CREATE TABLE a_grandchild (id int PRIMARY KEY, child int REFERENCES b_child ON DELETE CASCADE);
