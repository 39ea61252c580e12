-- a schema goes whose types, tables and functions are used elsewhere
CREATE TABLE keep (id int, e text, f text);
CREATE VIEW keepv AS SELECT k.id, k.e FROM keep k;
