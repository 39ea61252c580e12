"""Whether a statement that no transaction takes has run, when nobody could note it: the catalogs know.

What a broken concurrent build left behind can be dropped, so that the build can run again.
"""

from __future__ import annotations

import re
from enum import Enum

from dbsync.pg import migrations
from dbsync.pg.database import Session
from dbsync.schema.plan import Statement
from dbsync.sqltext import tokens

_ADDED_LABEL = re.compile(r"ADD VALUE (?:IF NOT EXISTS )?(E?'(?:[^']|'')*')")


class Settled(Enum):
    """What a look at the catalogs says."""

    DONE = "done"
    OPEN = "open"


def settle(session: Session, statement: Statement, *, clean: bool) -> Settled:
    """Tell whether the statement has been done; with ``clean`` drop what one that broke off has left."""
    ref, sql = statement.ref, statement.sql
    label = _ADDED_LABEL.search(sql)
    if label is not None and sql.startswith("ALTER TYPE"):
        ((text,),) = session.execute_text(f"SELECT {label[1]}")
        return _when(text in migrations.enum_labels(session, ref.schema, ref.name))
    if " INDEX CONCURRENTLY " in sql.split("\n", 1)[0]:
        name = _index_named(sql)
        valid = migrations.index_is_valid(session, ref.schema, name)
        if sql.startswith("DROP INDEX"):
            return _when(valid is None)
        if clean and valid is False:
            migrations.drop_invalid_index(session, ref.schema, name)
        return _when(bool(valid))
    return Settled.OPEN


def _index_named(sql: str) -> str:
    """The name that stands after CONCURRENTLY, without its schema."""
    words = [token for token in tokens(sql) if not token.silent]
    place = next(number for number, token in enumerate(words) if token.value == "concurrently") + 1
    exists = next((number for number, token in enumerate(words[: place + 3]) if token.value == "exists"), None)
    if exists is not None and words[place].text == "IF":  # an index of that name would be in lower case or in quotes
        place = exists + 1
    found = words[place].value
    while words[place + 1 : place + 2] and words[place + 1].text == ".":
        place += 2
        found = words[place].value
    return found


def _when(done: bool) -> Settled:
    return Settled.DONE if done else Settled.OPEN
