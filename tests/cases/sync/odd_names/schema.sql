CREATE SCHEMA "sche.ma ""x""";
CREATE SCHEMA "lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll";
CREATE TABLE "sche.ma ""x"""."ta.ble" ("col.umn" int PRIMARY KEY, "q""uote" text, "new
line" text, "été 🙂" text, "select" text, "%s" text, "{x}" text, "$1" text, ":a" text, "back\slash" text, "it's" text);
CREATE TABLE "lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll"."lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll" ("lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll" int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllm" int REFERENCES "lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll"."lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll");
CREATE TABLE "lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll"."llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll2" (id int PRIMARY KEY);
CREATE TABLE "select" ("from" int PRIMARY KEY, "Where" text);
CREATE TABLE "Select" ("from" serial PRIMARY KEY, "WHERE" text);
CREATE TABLE "🙂" (" " int);
CREATE TABLE "line
break" (id int PRIMARY KEY);
CREATE TABLE "--comment" ("/*" int);
