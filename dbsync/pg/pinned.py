"""The settings that every session runs with: set in one statement, read back in another, and compared.

A role, a database or a pooler may carry other values; each setting here changes what is read, how a
value is printed, or how long a session lives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import psycopg
from psycopg import sql

from dbsync.errors import ConnectionFailed, Refused

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Pin:
    name: str
    value: str
    since: int = 0  # server_version_num
    only: Literal["", "source", "target"] = ""
    exact: bool = True  # must read back as set; sockets and some systems ignore the others


_CONNECTION_CHECK = "client_connection_check_interval"
_PINS = (
    _Pin("search_path", ""),
    _Pin("row_security", "off"),
    _Pin("client_encoding", "UTF8"),
    _Pin("TimeZone", "UTC"),
    _Pin("DateStyle", "ISO, YMD"),
    _Pin("IntervalStyle", "postgres"),
    _Pin("extra_float_digits", "1"),
    _Pin("bytea_output", "hex"),
    _Pin("lc_monetary", "C"),
    _Pin("xmloption", "content"),
    _Pin("standard_conforming_strings", "on"),
    _Pin("array_nulls", "on"),  # off reads the array member NULL as the text "NULL"
    _Pin("transform_null_equals", "off"),
    _Pin("quote_all_identifiers", "off"),  # changes pg_get_*def
    _Pin("client_min_messages", "notice"),
    _Pin("jit", "off"),  # compiling a query of the catalog takes seconds, and makes no digest faster
    _Pin("default_transaction_isolation", "read committed"),
    _Pin("default_transaction_deferrable", "off"),
    _Pin("default_transaction_read_only", "on", only="source"),
    _Pin("default_transaction_read_only", "off", only="target"),  # writing was agreed to by then
    _Pin("statement_timeout", "0"),
    _Pin("lock_timeout", "0"),
    _Pin("idle_in_transaction_session_timeout", "0"),
    _Pin("idle_session_timeout", "0", since=140000),
    _Pin("transaction_timeout", "0", since=170000),
    # The server's side of a dead client: idle sockets by keepalives; on the target, where locks are held,
    # also unanswered data. Not on the source: there it would cut a reader that pauses (see pg/peer.py).
    _Pin("tcp_keepalives_idle", "3", exact=False),
    _Pin("tcp_keepalives_interval", "3", exact=False),
    _Pin("tcp_keepalives_count", "2", exact=False),
    _Pin("tcp_user_timeout", "9s", only="target", exact=False),
    _Pin(_CONNECTION_CHECK, "1s", since=140000, exact=False),
)
_DURABLE = ("on", "remote_write", "remote_apply")


def pin(connection: psycopg.Connection[Row], *, read_only: bool, settings: Mapping[str, str], backend_pid: int) -> bool:
    """Set every pinned value and ``settings``; False, with nothing set, when another backend answers.

    Raises ConnectionFailed for a value that did not take, Refused for one that may not be changed.
    """
    version = connection.info.server_version
    pins = [each for each in _PINS if version >= each.since and each.only != ("target" if read_only else "source")]
    wanted = {each.name: each.value for each in pins} | dict(settings)
    given = _set_what_is_known(connection, wanted, backend_pid)
    if given is None:
        return False
    loose = {each.name for each in pins if not each.exact}
    answering, replication_role, commit, *values = _read(connection, wanted)
    if answering != backend_pid:
        raise _ignored("search_path")
    for name, asked, now in zip(wanted, given, values, strict=True):
        expected = asked if name in settings else wanted[name]
        if now != expected and name not in loose:
            raise _ignored(name)
    if replication_role != "origin":
        _restore_replication_role(connection)
    if not read_only and commit not in _DURABLE:
        _set(connection, {"synchronous_commit": "on"}, backend_pid)
    return True


def _set_what_is_known(connection: psycopg.Connection[Row], wanted: dict[str, str], backend_pid: int) -> Row | None:
    try:
        return _set(connection, wanted, backend_pid)
    except psycopg.errors.InvalidParameterValue:
        if _CONNECTION_CHECK not in wanted:
            raise
        del wanted[_CONNECTION_CHECK]  # the server's system cannot watch a socket; keepalives remain
        return _set(connection, wanted, backend_pid)


def _set(connection: psycopg.Connection[Row], values: Mapping[str, str], backend_pid: int) -> Row | None:
    """Set values if the expected backend answers; return them as the server spells them.

    Names are resolved before any value is set, under whatever search_path the role has: so everything is
    qualified, and nothing is set in a backend that a pooler shares with others.
    """
    one = sql.SQL(
        "CASE WHEN pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) {pid}"
        " THEN pg_catalog.set_config({name}, {value}, false) END"
    )
    columns = [one.format(pid=backend_pid, name=name, value=value) for name, value in values.items()]
    query = sql.SQL("SELECT pg_catalog.pg_backend_pid(), {}").format(sql.SQL(", ").join(columns))
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[1:] if row[0] == backend_pid else None


def _read(connection: psycopg.Connection[Row], names: Mapping[str, str]) -> Row:
    columns = [sql.SQL("pg_catalog.current_setting({})").format(name) for name in names]
    query = sql.SQL(
        "SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('session_replication_role'),"
        " pg_catalog.current_setting('synchronous_commit'), {}"
    )
    row = connection.execute(query.format(sql.SQL(", ").join(columns))).fetchone()
    assert row is not None
    return row


def _restore_replication_role(connection: psycopg.Connection[Row]) -> None:
    """Undo a session_replication_role of the role or database: it would switch foreign keys and triggers off."""
    try:
        connection.execute("SET session_replication_role = origin")
    except psycopg.errors.InsufficientPrivilege:
        raise Refused(
            "session_replication_role is set for this role or database, which switches foreign keys off",
            code="SETTING",
            hint="ALTER ROLE ... RESET session_replication_role (or ALTER DATABASE ...)",
        ) from None


def _ignored(name: str) -> ConnectionFailed:
    return ConnectionFailed(
        f"the setting {name} did not keep the value it was given",
        phase="session",
        hint="a pooler in transaction mode does this; connect to the database itself or to a session-mode port",
        details={"setting": name},
    )
