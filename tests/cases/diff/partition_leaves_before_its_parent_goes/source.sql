-- a partitioned table goes whose index is of its partition's row type: the partition has to leave it first
CREATE TABLE other (id int);
