INSERT INTO m (code, day, n, v) OVERRIDING SYSTEM VALUE VALUES ('a', 1, 1, 'x'), ('b', 2, 20, 'y'), ('c', 12, 30, 'z'), ('d', 13, 8, 'new');
