-- a table is moved to another schema, and its rows with it
CREATE SCHEMA stock;
CREATE TABLE stock.parts (id int NOT NULL, label text);
CREATE SEQUENCE stock.parts_id_seq AS int OWNED BY stock.parts.id;
ALTER TABLE stock.parts ALTER id SET DEFAULT nextval('stock.parts_id_seq');
ALTER TABLE stock.parts ADD CONSTRAINT parts_pkey PRIMARY KEY (id);
ALTER TABLE stock.parts ADD CONSTRAINT parts_label_key UNIQUE (label);
CREATE VIEW public.labels AS SELECT label FROM stock.parts;
