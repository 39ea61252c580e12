GRANT USAGE ON LANGUAGE plpgsql TO dbsync_case_reader;
