"""JSON Schemas of what the commands print under --json: one for each command, and the envelope."""
