-- the column of a partition key has another name, and no hint says that it is the same: the partitions get a new one
CREATE TABLE public.pay (id int NOT NULL, at date NOT NULL, amount int NOT NULL, PRIMARY KEY (at, id)) PARTITION BY RANGE (at);
CREATE TABLE public.pay_1 (id int NOT NULL, at date NOT NULL, amount int NOT NULL);
ALTER TABLE public.pay ATTACH PARTITION public.pay_1 FOR VALUES FROM ('2022-01-01') TO ('2022-02-01');
CREATE TABLE public.pay_2 PARTITION OF public.pay FOR VALUES FROM ('2022-02-01') TO ('2022-03-01') PARTITION BY LIST (id);
CREATE TABLE public.pay_2_1 PARTITION OF public.pay_2 FOR VALUES IN (1);
CREATE TABLE public.l (id int NOT NULL, k text) PARTITION BY LIST (k);
CREATE TABLE public.l_rest PARTITION OF public.l DEFAULT;
CREATE TABLE public.e (id int, k text) PARTITION BY RANGE (id, lower(k));
CREATE TABLE public.e_1 PARTITION OF public.e FOR VALUES FROM (0, MINVALUE) TO (100, MAXVALUE);
ALTER TABLE public.pay RENAME at TO "paid on";
ALTER TABLE public.l RENAME k TO kind;
ALTER TABLE public.e RENAME k TO kind;
