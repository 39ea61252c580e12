"""The routes: each parses, calls a service, and replies. What they share is in ``dbsync.server.core``."""
