"""Where the store is: ``DBSYNC_STORE``, else what the config file says, else a file in the user's state directory."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from dbsync.errors import ConfigError
from dbsync.home import expanded
from dbsync.urls import DatabaseUrl

VARIABLE = "DBSYNC_STORE"
_SQLITE = "sqlite:///"
_POSTGRES = "postgresql+psycopg://"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePlace:
    """Either a file of SQLite's or a Postgres database; ``name`` is safe to show, ``named``: somebody chose it."""

    name: str
    file: Path | None = None
    url: DatabaseUrl | None = None
    named: bool = True


def state_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """The directory of this user's that outlives a run; it may not be there yet. Raises ConfigError without a home."""
    state = environ.get("XDG_STATE_HOME") or ""
    return (Path(state) if os.path.isabs(state) else expanded("~/.local/state")) / "dbsync"


def store_place(configured: str | None = None, environ: Mapping[str, str] = os.environ) -> StorePlace:
    """Decide where the store is. ``configured`` is what the config file says. Raises ConfigError.

    ``sqlite:///relative.db``, ``sqlite:////absolute.db``, a Postgres URL, or what else names a database
    (``env:VAR``, ``service=NAME``, ``local:NAME``).
    """
    text = environ.get(VARIABLE) or configured
    if not text:
        file = state_directory(environ) / "store.db"
        return StorePlace(name=str(file), file=file, named=False)
    if text.startswith("env:"):
        text = _from_environment(text.removeprefix("env:"), environ)
    if text.startswith("sqlite:"):
        if not text.startswith(_SQLITE) or not text.removeprefix(_SQLITE) or "?" in text:
            raise ConfigError("the store's URL names no file", hint="write sqlite:////absolute/path/store.db")
        file = expanded(text.removeprefix(_SQLITE)).absolute()
        return StorePlace(name=str(file), file=file)
    return _in_postgres("postgresql://" + text.removeprefix(_POSTGRES) if text.startswith(_POSTGRES) else text)


def is_missing(place: StorePlace) -> bool:
    """Whether it is certain that there is no store; one that cannot be looked at may be there."""
    return place.file is not None and isinstance(_trouble(place.file), FileNotFoundError | NotADirectoryError)


def out_of_reach(place: StorePlace) -> bool:
    """Whether this user may not search the default place: what is kept there is for others. A named one is an error."""
    return not place.named and place.file is not None and isinstance(_trouble(place.file), PermissionError)


def _trouble(file: Path) -> OSError | None:
    try:
        file.stat()
    except OSError as error:
        return error
    return None


def holds_guards(place: StorePlace) -> bool:
    """Whether a saved connection may guard a place: False only where it is certain that there is none.

    Every sync asks; in a file it takes a millisecond this way, and a quarter of a second through SQLAlchemy.
    """
    if place.file is None:
        return True
    if is_missing(place):
        return False
    try:
        with closing(sqlite3.connect(f"{place.file.as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            return connection.execute("SELECT 1 FROM connection WHERE name IS NOT NULL LIMIT 1").fetchone() is not None
    except sqlite3.Error:
        return True  # whoever opens it for good says what is wrong with it


def _from_environment(variable: str, environ: Mapping[str, str]) -> str:
    value = environ.get(variable, "").strip()
    if not value:
        raise ConfigError(f"the store is env:{variable}, and that variable is not set")
    return value


def _in_postgres(text: str) -> StorePlace:
    from dbsync.config import Settings
    from dbsync.references import resolve

    try:
        url = resolve(text, Settings())
    except ConfigError as error:
        hint = f"{error.hint}; for a file write sqlite:////path/store.db" if error.hint else None
        raise ConfigError(f"the store cannot be opened: {error.message}", hint=hint) from None
    return StorePlace(name=url.name, url=url)
