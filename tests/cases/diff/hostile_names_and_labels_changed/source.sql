-- labels, columns, comments and texts that would run statements of their own
CREATE SCHEMA "s; drop schema x; --";
CREATE TYPE "s; drop schema x; --"."e'e" AS ENUM ('\', 'x''); drop table foo; --', 'new '' $$ ');
CREATE TABLE "s; drop schema x; --"."t ""q""" ("""; select 1 --" "s; drop schema x; --"."e'e" DEFAULT 'new '' $$ ', "a%sb" bigint, "sel:ect" text DEFAULT '$q$ %(x)s {0} ''''', "
" int, CONSTRAINT "c; --" CHECK ("a%sb" <> 5));
CREATE INDEX "i'x" ON "s; drop schema x; --"."t ""q""" ("a%sb", "sel:ect");
COMMENT ON COLUMN "s; drop schema x; --"."t ""q"""."a%sb" IS '$$ $body$ '' \ -- /* ';
CREATE VIEW "s; drop schema x; --"."v%" AS SELECT "
" AS "a:b", '%s :y'::text AS "c" FROM "s; drop schema x; --"."t ""q""";
CREATE FUNCTION "s; drop schema x; --"."f; --"("x y" int DEFAULT 1) RETURNS text LANGUAGE sql AS $b$ SELECT '$$; %s :n {}'::text $b$;
CREATE POLICY "p'; --" ON "s; drop schema x; --"."t ""q""" USING ("sel:ect" <> '); drop table x; --');
