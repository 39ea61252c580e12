CREATE TABLE event (id bigint, day date NOT NULL, v text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE event_some PARTITION OF event FOR VALUES FROM ('2022-01-01') TO ('2025-01-01');
INSERT INTO event VALUES (1, '2024-01-01', 'old');
