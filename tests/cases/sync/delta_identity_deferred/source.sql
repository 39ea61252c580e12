INSERT INTO beside (code, n, p, u) OVERRIDING SYSTEM VALUE VALUES ('a', 1, 1, 1), ('b', 20, 2, 3), ('c', 30, 3, 2);
