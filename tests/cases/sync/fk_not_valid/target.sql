ALTER TABLE child ADD CONSTRAINT old_orphans FOREIGN KEY (parent) REFERENCES parent NOT VALID;
COMMENT ON CONSTRAINT old_orphans ON child IS 'cleaned up next year';
