-- security_invoker and check options stay over a column's new type
CREATE TABLE t (a text, o name DEFAULT current_user);
CREATE VIEW v WITH (security_invoker = true) AS SELECT a FROM t;
CREATE VIEW w WITH (security_barrier) AS SELECT a FROM v WITH CASCADED CHECK OPTION;
CREATE RULE _no AS ON DELETE TO w DO INSTEAD NOTHING;
