INSERT INTO t (id, a, b) VALUES (1, NULL, ROW(NULL, NULL)), (2, ROW(NULL, NULL), NULL), (6, ROW(1, NULL), NULL);
INSERT INTO t (id, a, v) VALUES (3, NULL, '(,)|x'), (4, ROW(NULL, 2), 'x');
INSERT INTO t (id, e, f) VALUES (5, NULL, ROW(NULL, NULL)::c);
