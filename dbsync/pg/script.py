"""Run a script that makes a schema, such as a dump, in a throw-away database: its statements one by one, and its rows.

What the script says is done, with a superuser's rights in that server. Of psql's commands only those that
every dump has (restrict, unrestrict, the end of COPY's rows) are understood, all others are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg import sql

from dbsync.errors import ConfigError, DbsyncError, StatementFailed
from dbsync.pg.database import Session, translated
from dbsync.sqltext import Token, line_of
from dbsync.statements_split import Statement, split_statements

_ROWS = re.compile(r"(?ims)^(COPY\s[^;]*?\sFROM\s+STDIN\b[^;]*;)[^\n]*\n(.*?)^\\\.\r?$")
_RESTRICT = re.compile(r"^\\(?:un)?restrict [A-Za-z0-9]+\r?$", re.MULTILINE)
_GIVING = frozenset({"to", "from", "for", "by", "role", "user", "group", "authorization"})
_NO_ROLES = frozenset({"public", "current_user", "session_user", "current_role", "none", "default", "user", "role"})
_LONGEST = 63
_EXISTS = "42710"


@dataclass(frozen=True, slots=True)
class Script:
    """A script cut into statements; ``rows`` holds what follows a COPY, by the number of its line."""

    name: str
    text: str
    statements: tuple[Statement, ...]
    rows: dict[int, str]

    def roles(self) -> list[str]:
        """Names of roles that the script may need and does not make; some may be no roles at all."""
        made = {name for one in self.statements if _makes_role(one) for name in _names(one.tokens[2:3])}
        needed = {name for one in self.statements for name in _roles_named(one)}
        return sorted(needed - made - _NO_ROLES)


def read_script(name: str, text: str) -> Script:
    """Cut a script into its statements; raise ConfigError, by line, for what is no SQL."""
    rows: dict[int, str] = {}

    def take(match: re.Match[str]) -> str:
        rows[line_of(text, match.start())] = match[2]
        return match[1] + "\n" * (match[0].count("\n") - match[1].count("\n"))

    plain = _RESTRICT.sub("", _ROWS.sub(take, text)).removeprefix("\ufeff")  # as the tokens' places are told
    try:
        return Script(name, plain, tuple(split_statements(plain)), rows)
    except DbsyncError as error:
        raise ConfigError(f"{name}: {error.message}", hint=error.hint, code="BAD_SCRIPT") from error


def run_script(session: Session, script: Script, *, run_as: str | None) -> None:
    """Run it as a superuser of that name, made for it; with None as the session's own role, no role being made.

    Raises ConfigError with the line and the server's sentence.
    """
    if run_as is not None:
        _make_roles(session, [*script.roles(), run_as])
        become(session, run_as)
    for statement in script.statements:
        try:
            _run(session, script, statement)
        except StatementFailed as error:
            if not (error.sqlstate == _EXISTS and _makes_role(statement)):
                raise _fault(script, statement, error) from error


def become(session: Session, role: str) -> None:
    """Act as a superuser of that name, in a throw-away server."""
    session.execute(sql.SQL("ALTER ROLE {} SUPERUSER").format(sql.Identifier(role)))
    act_as(session, role)


def act_as(session: Session, role: str) -> None:
    """Act as another role for the rest of the session."""
    session.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(role)))


def new_database(session: Session, name: str, *, encoding: str = "UTF8") -> None:
    """Create an empty database; an encoding that not every locale takes comes with the locale C."""
    pieces = [
        sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {}").format(sql.Identifier(name), sql.Literal(encoding))
    ]
    if encoding != "UTF8":
        pieces.append(sql.SQL("LC_COLLATE 'C' LC_CTYPE 'C'").format())
    if encoding != "UTF8" and session.server_version_num >= 150000:
        pieces.append(sql.SQL("LOCALE_PROVIDER libc").format())
    session.execute(sql.SQL(" ").join(pieces))


def drop_database(session: Session, name: str) -> None:
    """Drop a database that was made here, whoever is connected to it."""
    session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _run(session: Session, script: Script, statement: Statement) -> None:
    first, last = statement.tokens[0], statement.tokens[-1]
    body = sql.SQL(script.text[first.start : last.end])
    rows = script.rows.get(statement.line) if first.value == "copy" else None
    if rows is None:
        session.execute(body)
        return
    with translated(session), session.raw.cursor() as cursor, cursor.copy(body) as copy:
        copy.write(rows)


def _fault(script: Script, statement: Statement, error: StatementFailed) -> ConfigError:
    start = statement.tokens[0].start
    position = int(error.details.get("position", 1))
    line = line_of(script.text, start + max(position, 1) - 1)
    return ConfigError(
        f"{script.name}, line {line}: {error.message}",
        hint=_hint(error),
        code="BAD_SCRIPT",
        sqlstate=error.sqlstate,
    )


def _hint(error: StatementFailed) -> str | None:
    if error.sqlstate in ("0A000", "58P01", "42501") and "extension" in error.message:
        return "embedded servers have few extensions; compare with a database that has it"
    return "the script is run in an empty database, from its first line to its last"


def _make_roles(session: Session, names: Sequence[str]) -> None:
    there = {name for (name,) in session.execute("SELECT rolname FROM pg_catalog.pg_roles")}
    for name in sorted(set(names) - there):
        session.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))


def _makes_role(statement: Statement) -> bool:
    words = [token.value for token in statement.tokens[:2]]
    return words[:1] == ["create"] and words[1:] in (["role"], ["user"], ["group"])


def _roles_named(statement: Statement) -> Iterator[str]:
    """What stands where roles stand; that it may be another name does no harm."""
    words = [token.value for token in statement.tokens[:2]]
    if words[0] not in ("grant", "revoke", "alter", "set", "reassign") and words not in (
        ["create", "policy"], ["create", "schema"], ["create", "user"],
    ):  # fmt: skip
        return
    tokens = statement.tokens
    for place, token in enumerate(tokens):
        if token.kind == "word" and token.value in _GIVING:
            yield from _listed(tokens[place + 1 :])


def _listed(tokens: Sequence[Token]) -> Iterator[str]:
    """``a, "B", c`` at the beginning of the tokens."""
    for place, token in enumerate(tokens):
        if place % 2 == 1:
            if token.text != ",":
                return
        else:
            yield from _names([token])


def _names(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.kind in ("word", "name") and 0 < len(token.value) <= _LONGEST and not token.value.startswith("pg_"):
            yield token.value
