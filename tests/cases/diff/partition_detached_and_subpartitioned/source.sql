-- a partition leaves, a table becomes a partition with partitions of its own
CREATE TABLE m (id int, at date NOT NULL, r text NOT NULL, PRIMARY KEY (id, at, r)) PARTITION BY RANGE (at);
CREATE TABLE m_2020 (id int NOT NULL, at date NOT NULL, r text NOT NULL, PRIMARY KEY (id, at, r));
CREATE INDEX m_2020_r_idx ON m_2020 (r);
CREATE TABLE m_2021 PARTITION OF m FOR VALUES FROM ('2021-01-01') TO ('2022-01-01') PARTITION BY LIST (r);
CREATE TABLE m_2021_a PARTITION OF m_2021 FOR VALUES IN ('a', 'b');
CREATE TABLE m_2021_d PARTITION OF m_2021 DEFAULT;
CREATE INDEX m_r ON m (r);
