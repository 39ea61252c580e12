INSERT INTO t (id, a, b) VALUES (1, ROW(NULL, NULL), NULL), (2, NULL, ROW(NULL, NULL)), (6, ROW(1, NULL), NULL);
INSERT INTO t (id, a, v) VALUES (3, ROW(NULL, NULL), 'x'), (4, NULL, '(,2)|x');
INSERT INTO t (id, e, f) VALUES (5, ROW(NULL, NULL)::c, NULL);
