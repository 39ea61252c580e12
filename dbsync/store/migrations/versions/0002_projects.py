"""A firing of a schedule is known by its project too: several that share a store may each have a sync of one name."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the project a part of a tick's key; what is there belongs to the one without a name."""
    for statement in _POSTGRES if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)


_POSTGRES = (
    "ALTER TABLE dbsync_store.tick ADD COLUMN project text NOT NULL DEFAULT ''",
    "ALTER TABLE dbsync_store.tick ALTER COLUMN project DROP DEFAULT",
    "ALTER TABLE dbsync_store.tick DROP CONSTRAINT tick_pkey",
    "ALTER TABLE dbsync_store.tick ADD CONSTRAINT tick_pkey PRIMARY KEY (project, schedule, due_at)",
)
# SQLite cannot change the key of a table that is there.
_SQLITE = (
    """
    CREATE TABLE tick_with_project (
        schedule TEXT NOT NULL,
        due_at DOUBLE NOT NULL,
        fired_at DOUBLE NOT NULL,
        job_id TEXT,
        outcome TEXT NOT NULL,
        project TEXT NOT NULL,
        CONSTRAINT tick_pkey PRIMARY KEY (project, schedule, due_at)
    )
    """,
    """
    INSERT INTO tick_with_project (schedule, due_at, fired_at, job_id, outcome, project)
    SELECT schedule, due_at, fired_at, job_id, outcome, '' FROM tick
    """,
    "DROP TABLE tick",
    "ALTER TABLE tick_with_project RENAME TO tick",
)
