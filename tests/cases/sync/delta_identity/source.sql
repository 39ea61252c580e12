INSERT INTO beside (code, n) OVERRIDING SYSTEM VALUE VALUES ('a', 1), ('b', 20), ('c', 30), ('d', 4);
INSERT INTO key (id, v) OVERRIDING SYSTEM VALUE VALUES (1, 'same'), (2, 'new'), (3, 'new');
