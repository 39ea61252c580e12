CREATE TABLE secret (id int PRIMARY KEY, owner text); CREATE TABLE open (id int PRIMARY KEY);
