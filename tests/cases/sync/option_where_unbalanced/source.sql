INSERT INTO public.one SELECT i, md5(i::text) FROM generate_series(1, 30) i;
INSERT INTO app.two SELECT i, md5(i::text) FROM generate_series(1, 30) i;
INSERT INTO app.audit_log SELECT i, md5(i::text) FROM generate_series(1, 30) i;
