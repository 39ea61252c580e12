INSERT INTO t SELECT i, i, 'b' || i, tsrange('2020-01-01'::timestamp + i * interval '1 day', '2020-01-01'::timestamp + i * interval '1 day' + interval '1 hour') FROM generate_series(1, 500) i;
INSERT INTO child SELECT i, i, i FROM generate_series(1, 100) i;
