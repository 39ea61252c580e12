"""A saved connection: what is known about it without its key, and what may be changed. PURE."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dbsync.config import ENVIRONMENTS
from dbsync.errors import ConfigError
from dbsync.urls import DatabaseUrl

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
LOCAL_OWNER = "local"  # whoever works on the command line
_LONGEST_NAME = 255
_NOT_IN_NAMES = frozenset("@:/\\=")  # they would make it look like a URL, a reference or a conninfo string


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What is agreed about a database, whoever reaches it: the guards' part, and whether it is pinged."""

    environment: str | None = None
    protected: bool = False
    read_only: bool = False
    keep_alive: bool = False

    def __post_init__(self) -> None:
        if self.environment is not None and self.environment not in ENVIRONMENTS:
            raise ConfigError("the environment is not known", hint="one of " + ", ".join(ENVIRONMENTS))

    @property
    def guards(self) -> bool:
        """Whether writing to it takes more than --yes."""
        return self.protected or self.read_only or self.environment == "production"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One record. ``name`` is None for a URL that was kept for a job."""

    id: str
    owner: str
    name: str | None
    labels: Labels
    version: int
    key_id: str
    created_at: float
    updated_at: float
    last_pinged_at: float | None
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What ``edit`` changes; None leaves a thing as it is. ``environment`` "none" takes the label off."""

    name: str | None = None
    url: DatabaseUrl | None = None
    environment: str | None = None
    protected: bool | None = None
    read_only: bool | None = None
    keep_alive: bool | None = None

    def labels(self, before: Labels) -> Labels:
        """Return the labels after the change."""
        environment = before.environment if self.environment is None else self.environment
        return Labels(
            environment=None if environment == "none" else environment,
            protected=before.protected if self.protected is None else self.protected,
            read_only=before.read_only if self.read_only is None else self.read_only,
            keep_alive=before.keep_alive if self.keep_alive is None else self.keep_alive,
        )


def is_name(text: str) -> bool:
    """Whether a connection may be called so: nothing that reads as a URL, a reference, an option or an id."""
    return (
        0 < len(text) <= _LONGEST_NAME
        and text.isprintable()
        and text == text.strip()
        and not text.startswith("-")
        and not _ID.match(text)
        and not _NOT_IN_NAMES & set(text)
    )


def checked_name(text: str) -> str:
    """Return the name; raise ConfigError for what cannot be one, without repeating it: it may be a misplaced URL."""
    if not is_name(text):
        raise ConfigError(
            "a connection cannot be called so",
            hint=f"a name has at most {_LONGEST_NAME} characters, none of {' '.join(sorted(_NOT_IN_NAMES))}, "
            "and does not begin with a dash",
        )
    return text
