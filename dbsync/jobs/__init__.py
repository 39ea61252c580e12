"""Jobs: syncs that are kept, and that people and machines create, start, pause, resume, stop, watch and measure."""
