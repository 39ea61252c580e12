-- all options of a shared sequence change, and it gets an owner
CREATE SEQUENCE s AS bigint INCREMENT 2 MINVALUE -5 MAXVALUE 99 START 3 CACHE 7 CYCLE;
CREATE TABLE a (id bigint DEFAULT nextval('s'));
ALTER SEQUENCE s OWNED BY a.id;
CREATE TABLE b (id int DEFAULT nextval('s') * 2);
CREATE VIEW v AS SELECT nextval('s') AS n, 1 AS m;
