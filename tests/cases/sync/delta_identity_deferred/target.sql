INSERT INTO beside (code, n, p, u) OVERRIDING SYSTEM VALUE VALUES ('a', 1, 1, 1), ('b', 2, 1, 2), ('c', 3, 1, 3), ('e', 4, 1, 4);
