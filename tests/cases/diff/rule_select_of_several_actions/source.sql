-- rules with several actions, conditions, and NOTIFY, over columns that change
CREATE TABLE t (id int PRIMARY KEY, a bigint);
CREATE TABLE log (id int, a bigint, note text);
CREATE RULE r AS ON UPDATE TO t DO ALSO (INSERT INTO log VALUES (new.id, new.a, 'x;y'); NOTIFY changed);
CREATE VIEW v AS SELECT id, a FROM t;
CREATE RULE vi AS ON INSERT TO v DO INSTEAD INSERT INTO t VALUES (new.id, new.a) RETURNING t.id, t.a;
ALTER TABLE t ENABLE ALWAYS RULE r;
