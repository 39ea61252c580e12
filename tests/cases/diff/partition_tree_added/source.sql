-- a tree of three levels is made: hash under list under range, with keys, indexes and a default
CREATE SCHEMA parts;
CREATE TABLE public.ev (id bigint GENERATED ALWAYS AS IDENTITY, at date NOT NULL, kind text NOT NULL, n int DEFAULT 5, UNIQUE (at, kind, id)) PARTITION BY RANGE (at);
CREATE TABLE parts.ev_20 PARTITION OF public.ev FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') PARTITION BY LIST (kind);
CREATE TABLE parts.ev_20_a PARTITION OF parts.ev_20 (n DEFAULT 7) FOR VALUES IN ('a') PARTITION BY HASH (id);
CREATE TABLE parts.ev_20_a_0 PARTITION OF parts.ev_20_a FOR VALUES WITH (MODULUS 2, REMAINDER 0) WITH (fillfactor = 70);
CREATE TABLE parts.ev_20_a_1 PARTITION OF parts.ev_20_a FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE parts.ev_20_rest PARTITION OF parts.ev_20 DEFAULT;
CREATE TABLE public.ev_rest PARTITION OF public.ev DEFAULT;
CREATE INDEX ev_kind ON public.ev (kind) WHERE n > 0;
CREATE INDEX only_here ON parts.ev_20_a_1 (n);
COMMENT ON TABLE parts.ev_20 IS 'the year';
ALTER TABLE parts.ev_20_rest OWNER TO dbsync_case_owner;
