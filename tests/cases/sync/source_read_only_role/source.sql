INSERT INTO public.one SELECT i, md5(i::text) FROM generate_series(1, 30) i;
INSERT INTO app.two SELECT i, md5(i::text) FROM generate_series(1, 30) i;
INSERT INTO app.audit_log SELECT i, md5(i::text) FROM generate_series(1, 30) i;

INSERT INTO parent SELECT i, 'p' FROM generate_series(1, 20) i;
INSERT INTO child (parent) SELECT 1 + i % 20 FROM generate_series(1, 200) i;
GRANT USAGE ON SCHEMA app TO case_reader; GRANT SELECT ON ALL TABLES IN SCHEMA public, app TO case_reader;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO case_reader;
