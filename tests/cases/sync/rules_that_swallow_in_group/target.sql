INSERT INTO parent SELECT i, 'old' FROM generate_series(1, 20) i;
CREATE RULE swallow AS ON INSERT TO parent WHERE new.id = 77 DO INSTEAD NOTHING;
