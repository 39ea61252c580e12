-- bounds move between partitions, the default one gets partitions of its own
CREATE TABLE m (k int, v text) PARTITION BY LIST (k);
CREATE TABLE m_a PARTITION OF m FOR VALUES IN (1, 3);
CREATE TABLE m_b PARTITION OF m FOR VALUES IN (2, 4);
CREATE TABLE m_d PARTITION OF m DEFAULT PARTITION BY RANGE (v);
CREATE TABLE m_d1 PARTITION OF m_d FOR VALUES FROM (MINVALUE) TO ('m');
CREATE UNIQUE INDEX mu ON m (k, v);
