-- texts with quotes, backslashes, dollars, braces and percent signs in defaults, checks, labels, options, filters and bounds
CREATE TYPE e AS ENUM ('a', $$it's \ "q" %s {} ; --$$);
CREATE TABLE t (id int PRIMARY KEY, s text DEFAULT $$d'\ %(x)s {0} $1 :n$$, v e DEFAULT $$it's \ "q" %s {} ; --$$, CONSTRAINT "c''%s{}" CHECK (s <> $$' OR 1=1 --$$ AND s !~ '\d{3}%'));
CREATE TABLE p (k text) PARTITION BY LIST (k);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN ($$x'); DROP TABLE t; --$$, '\', '%s');
CREATE INDEX i ON t (id) WHERE s LIKE '%''\%{}';
CREATE VIEW v AS SELECT $$'"; DROP TABLE t; --$$::text AS "a""; --", id % 5 AS m FROM t WHERE s = E'\\n%s{}';
CREATE POLICY po ON t USING (s = $$a'b\ %s$$);
CREATE RULE r AS ON DELETE TO t DO ALSO NOTIFY "x;y";
CREATE FUNCTION f(a text DEFAULT $$';%s$$) RETURNS text LANGUAGE plpgsql AS $x$BEGIN RETURN $q$a$q$ || '%s' || '{}'; END$x$;
CREATE FOREIGN DATA WRAPPER w OPTIONS (o $$a'b\;%s$$);
COMMENT ON TABLE t IS $$it's \ %s {} $q$ ;$$;
CREATE RULE r2 AS ON DELETE TO t WHERE old.s = $$';$$ DO INSTEAD NOTHING;
