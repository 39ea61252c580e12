"""Where an Alembic project stands: the head that a new revision follows, and the directory it belongs in.

The only module that imports Alembic; nothing here connects to a database.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError, rev_id

from dbsync.errors import ConfigError

_INI = "alembic.ini"
_LONGEST_SLUG = 40


@dataclass(frozen=True, slots=True)
class NextRevision:
    """The revision that comes next: its file, its own name, and the name of the one before it."""

    path: Path
    revision: str
    down_revision: str | None


def next_revision(directory: Path, message: str) -> NextRevision:
    """Find the head of the project in ``directory``: one with alembic.ini, with versions/, or versions/ itself.

    Raises ConfigError where there is none, where its revisions cannot be read, and for several heads.
    """
    if not directory.is_dir():
        raise ConfigError(f"--directory: there is no directory {str(directory)!r}", hint="alembic init DIRECTORY")
    try:
        scripts = _scripts(directory)
        heads = sorted(scripts.get_heads())
        versions = Path(scripts.versions)
    except CommandError as error:
        raise ConfigError(f"Alembic cannot read {str(directory)!r}: {error}") from error
    except Exception as error:  # revisions are programs: they may fail in any way
        kind = type(error).__name__
        raise ConfigError(f"a revision below {str(directory)!r} cannot be loaded: {kind}: {error}") from error
    if len(heads) > 1:
        raise ConfigError(f"the project has several heads: {', '.join(heads)}", hint="alembic merge heads")
    if not versions.is_dir():
        raise ConfigError(f"there is no directory {str(versions)!r}", hint="alembic init DIRECTORY")
    name = rev_id()
    return NextRevision(versions / f"{name}_{_slug(message)}.py", name, heads[0] if heads else None)


def _scripts(directory: Path) -> ScriptDirectory:
    if (directory / _INI).is_file():
        return ScriptDirectory.from_config(Config(str(directory / _INI)))
    if (directory / "versions").is_dir():
        return ScriptDirectory(str(directory))
    return ScriptDirectory(str(directory.parent), version_locations=[str(directory)])


def _slug(message: str) -> str:
    words = re.findall(r"\w+", message.lower())
    return "_".join(words)[:_LONGEST_SLUG].rstrip("_") or "migration"
