DELETE FROM parent WHERE id > 4;
