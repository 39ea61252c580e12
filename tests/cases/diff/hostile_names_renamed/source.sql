-- renames by hint of names that need quotes
CREATE TABLE public."Old ""t""" (id int PRIMARY KEY, "a.b" text);
ALTER TABLE public."Old ""t""" RENAME "a.b" TO "c d";
ALTER TABLE public."Old ""t""" RENAME TO "New % t";
