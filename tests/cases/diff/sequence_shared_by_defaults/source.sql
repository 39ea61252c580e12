-- two tables share a sequence whose name changes to a quoted one
CREATE SEQUENCE public."Ticket No" START 100;
CREATE TABLE public.a (n bigint DEFAULT nextval('public."Ticket No"') PRIMARY KEY);
CREATE TABLE public.b (n bigint DEFAULT nextval('public."Ticket No"') PRIMARY KEY);
