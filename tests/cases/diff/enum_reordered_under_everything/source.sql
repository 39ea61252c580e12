-- an enum is reordered under functions, arrays, an exclusion, a policy, a rule, statistics and an aggregate
CREATE TYPE st AS ENUM ('paid', 'new', 'void', 'extra''; --');
CREATE FUNCTION is_open(s st) RETURNS boolean LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT s < 'void'::st; END;
CREATE FUNCTION names(VARIADIC s st[]) RETURNS TABLE (s st, n int) LANGUAGE sql AS 'SELECT unnest($1), 1';
CREATE TABLE o (id int PRIMARY KEY, s st NOT NULL DEFAULT 'new', hist st[] DEFAULT ARRAY['new'::st], CHECK (s <> 'void'),
 open boolean GENERATED ALWAYS AS (is_open(s)) STORED, EXCLUDE USING btree (s WITH =) WHERE (s = 'paid'));
CREATE INDEX o_open ON o (s) WHERE is_open(s);
CREATE VIEW vo AS SELECT id, s FROM o WHERE s = ANY (ARRAY['new'::st, 'paid'::st]);
CREATE MATERIALIZED VIEW mo AS SELECT s, count(*) AS n FROM o GROUP BY s;
CREATE POLICY p ON o FOR SELECT USING (s <> 'new');
ALTER TABLE o ENABLE ROW LEVEL SECURITY;
CREATE RULE r AS ON UPDATE TO o WHERE old.s = 'void'::st DO INSTEAD NOTHING;
CREATE STATISTICS so ON s, open FROM o;
CREATE AGGREGATE last_st(st) (SFUNC = array_append, STYPE = st[]);
