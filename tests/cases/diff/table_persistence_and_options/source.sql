-- logged and unlogged, storage options, access method options of the toast table
CREATE UNLOGGED TABLE public.a (id int PRIMARY KEY, t text);
CREATE TABLE public.b (id int PRIMARY KEY) WITH (fillfactor = 90, user_catalog_table = true);
CREATE TABLE public.c (id int PRIMARY KEY, t text) WITH (autovacuum_vacuum_scale_factor = 0.02, toast_tuple_target = 256, toast.vacuum_truncate = false);
