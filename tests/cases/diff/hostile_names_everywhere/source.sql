-- every kind of name is hostile: quotes, percent, colons, dollars, unicode, spaces, reserved words
CREATE SCHEMA "s""; drop schema public; --";
CREATE TYPE "s""; drop schema public; --"."enum 'x'" AS ENUM ('a');
CREATE DOMAIN "s""; drop schema public; --"."do%main" AS int CONSTRAINT "c:k" CHECK (VALUE > 0);
CREATE SEQUENCE "s""; drop schema public; --"."seq'uence";
CREATE TABLE "s""; drop schema public; --"."select" (
    "; select 1 --" int PRIMARY KEY DEFAULT nextval('"s""; drop schema public; --"."seq''uence"'),
    "%s" text, "%(a)s" text, ":x" "s""; drop schema public; --"."enum 'x'", "$1" int, "$$" "s""; drop schema public; --"."do%main", "ü☃" text, "UPPER" text, " lead" text, "a.b" text, "{0}" text, "\" text, "user" int, "line
break" int,
    CONSTRAINT "ch""eck" CHECK ("%s" <> '%s' AND "$1" > 0), CONSTRAINT "table" UNIQUE ("a.b", "{0}"));
CREATE INDEX "in;dex" ON "s""; drop schema public; --"."select" (lower("%(a)s")) INCLUDE ("\") WHERE ":x" = 'a';
CREATE FUNCTION "s""; drop schema public; --"."from"() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION "s""; drop schema public; --"."function"("order" int, "$x" text DEFAULT '$$') RETURNS int LANGUAGE sql AS 'SELECT "order"';
CREATE TRIGGER "group" BEFORE UPDATE OF "; select 1 --" ON "s""; drop schema public; --"."select" FOR EACH ROW EXECUTE FUNCTION "s""; drop schema public; --"."from"('arg''; --', '%s');
CREATE VIEW "s""; drop schema public; --"."wh""ere" AS SELECT "; select 1 --" AS "or'der", "%s" FROM "s""; drop schema public; --"."select";
CREATE POLICY "pol'icy" ON "s""; drop schema public; --"."select" USING ("; select 1 --" > 0);
CREATE STATISTICS "s""; drop schema public; --"."sta%ts" ON "%s", "$1" FROM "s""; drop schema public; --"."select";
COMMENT ON COLUMN "s""; drop schema public; --"."select"."; select 1 --" IS '; select 1 --';
GRANT SELECT ("; select 1 --") ON "s""; drop schema public; --"."select" TO dbsync_case_reader;
