-- a recursive view gains a column, a lateral one comes, over a self-reference that changes its type
CREATE TABLE n (id bigint PRIMARY KEY, up bigint REFERENCES n DEFERRABLE, w numeric(10,2));
CREATE RECURSIVE VIEW r (id, d, w) AS SELECT id, 0::bigint, w FROM n WHERE up IS NULL UNION ALL SELECT n.id, r.d + 1, n.w FROM n JOIN r ON n.up = r.id;
CREATE VIEW l AS SELECT n.id, x.c FROM n, LATERAL (SELECT count(*) AS c FROM n m WHERE m.up = n.id) x;
