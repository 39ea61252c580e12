CREATE TABLE part (a int, gone text, b text); ALTER TABLE part DROP COLUMN gone;
CREATE TABLE whole (id int PRIMARY KEY, p part, ps part[]);
