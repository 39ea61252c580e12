INSERT INTO span VALUES ('1 month', 1), ('1 day', 2);
INSERT INTO lists VALUES ('{1.0}', 1), ('{2}', 2);
