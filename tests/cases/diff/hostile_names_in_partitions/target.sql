CREATE SCHEMA "My Schema";
CREATE TABLE "My Schema"."Part""ed" ("Id" int, "sel ect" text) PARTITION BY RANGE ("Id");
CREATE TABLE "My Schema"."p;1" PARTITION OF "My Schema"."Part""ed" FOR VALUES FROM (0) TO (5);
CREATE TYPE "My Schema"."E%" AS ENUM ('%s', 'b''c');
CREATE FUNCTION "My Schema"."F n"("A a" "My Schema"."E%") RETURNS text LANGUAGE sql AS 'SELECT $1::text';
CREATE TRIGGER "T;" BEFORE INSERT ON "My Schema"."Part""ed" FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
