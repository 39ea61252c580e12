CREATE TABLE public.one (id int PRIMARY KEY, v text); CREATE SCHEMA app;
CREATE TABLE app.two (id int PRIMARY KEY, v text); CREATE TABLE app.audit_log (id int PRIMARY KEY, v text);

INSERT INTO public.one SELECT i, md5(i::text) FROM generate_series(1, 30) i;
INSERT INTO app.two SELECT i, md5(i::text) FROM generate_series(1, 30) i;
INSERT INTO app.audit_log SELECT i, md5(i::text) FROM generate_series(1, 30) i;
