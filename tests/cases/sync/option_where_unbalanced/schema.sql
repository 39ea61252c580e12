CREATE TABLE public.one (id int PRIMARY KEY, v text); CREATE SCHEMA app;
CREATE TABLE app.two (id int PRIMARY KEY, v text); CREATE TABLE app.audit_log (id int PRIMARY KEY, v text);
