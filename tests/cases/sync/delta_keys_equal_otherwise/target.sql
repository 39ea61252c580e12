INSERT INTO span VALUES ('30 days', 1), ('1 day', 2);
INSERT INTO lists VALUES ('{1.00}', 1), ('{2}', 2);
