INSERT INTO parent SELECT i, 'old' FROM generate_series(1, 20) i; INSERT INTO child SELECT i, i FROM generate_series(1, 20) i;
CREATE RULE note AS ON INSERT TO parent DO ALSO INSERT INTO log VALUES (new.id);
CREATE RULE note_gone AS ON DELETE TO child DO ALSO INSERT INTO log VALUES (old.id);
