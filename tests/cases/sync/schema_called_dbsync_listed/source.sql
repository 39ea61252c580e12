INSERT INTO dbsync.mine VALUES (1, 'mine'); INSERT INTO a VALUES (1);
