CREATE TABLE team (id int PRIMARY KEY, captain int NOT NULL);
CREATE TABLE player (id int PRIMARY KEY, team int NOT NULL REFERENCES team ON DELETE CASCADE DEFERRABLE);
ALTER TABLE team ADD CONSTRAINT captain_plays FOREIGN KEY (captain) REFERENCES player (id) DEFERRABLE;
COMMENT ON CONSTRAINT captain_plays ON team IS 'one of the players';
