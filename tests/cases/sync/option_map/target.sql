CREATE SCHEMA other; CREATE SCHEMA moved;
CREATE TABLE other.uno (id int PRIMARY KEY, v text);
CREATE TABLE moved.two (id int PRIMARY KEY, v text); CREATE TABLE moved.audit_log (id int PRIMARY KEY, v text);
