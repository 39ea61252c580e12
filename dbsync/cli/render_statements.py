"""The statements that would make one schema like another, as a script for psql."""

from __future__ import annotations

from collections.abc import Iterator

from dbsync.cli.terminal import escape
from dbsync.schema.choice import Choice
from dbsync.schema.planner import plan_statements
from dbsync.schema_diff import SchemaComparison


def statements_sql(comparison: SchemaComparison, choice: Choice) -> Iterator[str]:
    """Yield a script; what has no statement stands in it as a comment."""
    planned = plan_statements(comparison.source, comparison.target, ignore=choice.ignored_parts)
    yield "-- Planned, not proved: dbsync migrate plan tries the statements out.\n"
    if comparison.left_out:
        yield "-- Only for what the options chose: what was left out may stand in the way.\n"
    yield "SET search_path = '';\nSET check_function_bodies = off;\n"
    for one in planned.unplanned:
        yield f"-- NOT PLANNED: {_comment(str(one.ref))} ({', '.join(one.parts)}): {_comment(one.reason)}\n"
    open_group: int | None = None
    for statement in planned.statements:
        if open_group is not None and statement.group != open_group:
            yield "COMMIT;\n"
            open_group = None
        if statement.transactional and open_group is None:
            yield "BEGIN;\n"
            open_group = statement.group
        yield f"{statement.sql.rstrip().rstrip(';')};\n"
    if open_group is not None:
        yield "COMMIT;\n"


def _comment(text: str) -> str:
    return " ".join(escape(text).split())
