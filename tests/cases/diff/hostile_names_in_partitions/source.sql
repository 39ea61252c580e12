-- partitions, types, functions and triggers with hostile names; the key changes its type
CREATE SCHEMA "My Schema";
CREATE TABLE "My Schema"."Part""ed" ("Id" bigint, "sel ect" varchar(7), "new:col" int[]) PARTITION BY RANGE ("Id");
CREATE TABLE "My Schema"."p;1" PARTITION OF "My Schema"."Part""ed" FOR VALUES FROM (0) TO (7);
CREATE TYPE "My Schema"."E%" AS ENUM ('b''c', '%s', '{}');
CREATE FUNCTION "My Schema"."F n"("A b" "My Schema"."E%", int DEFAULT 1) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
CREATE INDEX "I ""x" ON "My Schema"."Part""ed" ("sel ect");
