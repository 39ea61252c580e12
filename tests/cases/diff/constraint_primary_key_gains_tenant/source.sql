-- primary keys of two tables gain a column, with the foreign key between them
CREATE TABLE a (id int, tenant int NOT NULL, PRIMARY KEY (tenant, id));
CREATE TABLE b (id int, tenant int NOT NULL DEFAULT 0, a_id int, PRIMARY KEY (tenant, id), CONSTRAINT fk FOREIGN KEY (tenant, a_id) REFERENCES a ON DELETE CASCADE);
CREATE INDEX bi ON b (tenant, a_id);
