-- wrappers, servers, user mappings without options and foreign tables with constraints change
CREATE FOREIGN DATA WRAPPER w OPTIONS (debug 'it''s', more '%');
CREATE SERVER s1 TYPE 'x' VERSION '2' FOREIGN DATA WRAPPER w OPTIONS (host 'h2', dbname 'd');
CREATE SERVER s2 FOREIGN DATA WRAPPER w;
CREATE USER MAPPING FOR dbsync_case_reader SERVER s2;
CREATE FOREIGN TABLE ft (a bigint OPTIONS (c 'B', d 'x'), b text DEFAULT 'q', CHECK (a > 0)) SERVER s1 OPTIONS (tbl 'y', sch 'z');
CREATE VIEW v AS SELECT a FROM ft;
CREATE FOREIGN TABLE ft2 (x int) SERVER s2;
CREATE TRIGGER tg BEFORE INSERT ON ft2 FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
