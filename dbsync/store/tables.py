"""The store's tables. ``migrations`` builds them; a test holds both together.

Times are seconds since 1970 by the store's own clock. JSON is kept as text, so that both engines keep it exactly.
"""

from __future__ import annotations

import sqlalchemy as sa

SCHEMA = "dbsync_store"  # in Postgres; a SQLite file has none
metadata = sa.MetaData(
    schema=SCHEMA,
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    },
)
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # only INTEGER counts by itself in SQLite


def _id(name: str = "id") -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True)


def _time(name: str, *, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=nullable)


connection = sa.Table(
    "connection",
    metadata,
    _id(),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("name", sa.Text),  # none: kept for a job whose database was given in full
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("environment", sa.Text),
    sa.Column("protected", sa.Boolean, nullable=False),
    sa.Column("read_only", sa.Boolean, nullable=False),
    sa.Column("keep_alive", sa.Boolean, nullable=False),
    _time("created_at"),
    _time("updated_at"),
    _time("last_pinged_at", nullable=True),
    sa.UniqueConstraint("owner", "name"),
)

sealing = sa.Table(
    "sealing",
    metadata,
    sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),  # always 1: the one row
    sa.Column("key_id", sa.Text, nullable=False),  # of the key that seals; the others only read
    _time("since"),
)

ping = sa.Table(
    "ping",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
    sa.Column("connection_id", sa.Text, sa.ForeignKey(connection.c.id, ondelete="CASCADE"), nullable=False, index=True),
    _time("at"),
    sa.Column("ok", sa.Boolean, nullable=False),
    sa.Column("duration_ms", sa.Double, nullable=False),
    sa.Column("error", sa.Text),
)

job = sa.Table(
    "job",
    metadata,
    _id(),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("name", sa.Text),  # of a sync in the config file
    sa.Column("origin", sa.Text, nullable=False),  # terminal, queue, schedule, http
    sa.Column("source_id", sa.Text, sa.ForeignKey(connection.c.id), nullable=False),
    sa.Column("target_id", sa.Text, sa.ForeignKey(connection.c.id), nullable=False),
    sa.Column("source_name", sa.Text, nullable=False),
    sa.Column("target_name", sa.Text, nullable=False),
    sa.Column("spec", sa.Text, nullable=False),
    sa.Column("plan", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("run_id", sa.Text),  # the last attempt's, in the target's ledger
    sa.Column("lease_owner", sa.Text),
    _time("lease_until", nullable=True),
    _time("not_before", nullable=True),
    _time("created_at"),
    _time("updated_at"),
    _time("started_at", nullable=True),
    _time("ended_at", nullable=True),
    sa.Column("events", _NUMBER, nullable=False),  # how many there are: the last one's number
    sa.Column("error", sa.Text),
    sa.Column("result", sa.Text),
    sa.Index(None, "owner", "created_at"),
    sa.Index(None, "state", "lease_until"),
)

attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("job_id", sa.Text, sa.ForeignKey(job.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False, index=True),
    sa.Column("worker", sa.Text, nullable=False),
    _time("started_at"),
    _time("ended_at", nullable=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("error", sa.Text),
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("job_id", sa.Text, sa.ForeignKey(job.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("number", _NUMBER, primary_key=True, autoincrement=False),
    _time("at"),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("level", sa.Text),  # info, warn, error: what people read; none for progress
    sa.Column("data", sa.Text, nullable=False),
)

job_table = sa.Table(
    "job_table",
    metadata,
    sa.Column("job_id", sa.Text, sa.ForeignKey(job.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
)

part = sa.Table(
    "part",
    metadata,
    sa.Column("job_id", sa.Text, sa.ForeignKey(job.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("work", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("lease_owner", sa.Text),
    _time("lease_until", nullable=True),
    sa.Column("outcome", sa.Text),
)

worker = sa.Table(
    "worker",
    metadata,
    _id(),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("engine", sa.Text, nullable=False),
    sa.Column("concurrency", sa.Integer, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    _time("started_at"),
    _time("seen_at"),
)

tick = sa.Table(
    "tick",
    metadata,
    sa.Column("schedule", sa.Text, nullable=False),
    _time("due_at"),
    _time("fired_at"),
    sa.Column("job_id", sa.Text),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("project", sa.Text, nullable=False),  # empty: of a config file that names none
    sa.PrimaryKeyConstraint("project", "schedule", "due_at"),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True, autoincrement=False),
    _time("at"),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)

# One row: how many entries there are, and the last one's hash. Who appends an entry holds its lock.
audit_head = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", _NUMBER, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.CheckConstraint("id = 1", name="one_row"),
)

# What owners have used in each month (UTC), as quotas count it; pruning jobs does not change it.
usage = sa.Table(
    "usage",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("month", sa.Text, primary_key=True),
    sa.Column("rows", _NUMBER, nullable=False),
    sa.Column("bytes", _NUMBER, nullable=False),
)

reply = sa.Table(
    "reply",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("request_id", sa.Text, primary_key=True),
    sa.Column("route", sa.Text, nullable=False),
    sa.Column("request_hash", sa.Text, nullable=False),
    sa.Column("status", sa.Integer),  # none while the first one is at work
    sa.Column("body", sa.Text),
    _time("created_at"),
)

stream = sa.Table(
    "stream",
    metadata,
    _id(),
    sa.Column("owner", sa.Text, nullable=False, index=True),
    sa.Column("job_id", sa.Text, nullable=False),
    _time("until"),
)

page_session = sa.Table(
    "page_session",
    metadata,
    _id(),  # a hash of what the browser holds
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),  # under a key that only the browser has
    _time("until"),
)
