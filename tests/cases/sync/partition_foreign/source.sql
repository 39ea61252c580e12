INSERT INTO event_near SELECT generate_series(0, 99);
