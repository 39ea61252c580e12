INSERT INTO beside (code, n) OVERRIDING SYSTEM VALUE VALUES ('a', 1), ('b', 2), ('c', 3), ('e', 4);
INSERT INTO key (id, v) OVERRIDING SYSTEM VALUE VALUES (1, 'same'), (2, 'old'), (9, 'own');
