"""dbsync: rsync for Postgres."""

__version__ = "0.1.0"
