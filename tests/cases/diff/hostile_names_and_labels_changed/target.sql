CREATE SCHEMA "s; drop schema x; --";
CREATE TYPE "s; drop schema x; --"."e'e" AS ENUM ('x''); drop table foo; --', '$$', '\');
CREATE TABLE "s; drop schema x; --"."t ""q""" ("""; select 1 --" "s; drop schema x; --"."e'e" DEFAULT '$$', "a%sb" int, "sel:ect" text DEFAULT ':x %s {} $1 \');
CREATE INDEX "i'x" ON "s; drop schema x; --"."t ""q""" ("a%sb");
