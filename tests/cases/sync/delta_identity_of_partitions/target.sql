INSERT INTO m (code, day, n, v) OVERRIDING SYSTEM VALUE VALUES ('a', 1, 1, 'x'), ('b', 2, 2, 'old'), ('c', 12, 3, 'old');
