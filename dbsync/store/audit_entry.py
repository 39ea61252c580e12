"""PURE: what an entry of the audit log says, and how entries are chained. Names, numbers and code words only.

Each entry's hash covers the entry and the hash before it, so none can be changed, taken out or put in between
without every later hash being wrong; the head says how many there are, so none can be cut off the end.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from dbsync.errors import ConfigError, InternalFault

GENESIS = "0" * 64
NOBODY = "nobody"  # the owner of what was asked by somebody who is not known
Outcome = Literal["done", "refused", "failed", "stopped"]
_WORD = re.compile(r"[a-z][a-z0-9_.-]{0,63}\Z")
_HEAD = re.compile(r"(\d{1,18}):([0-9a-f]{64})\Z")
_LONGEST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFacts:
    """What may be said of an action. There is no place for a value, a message or a URL."""

    run_id: str | None = None
    job_id: str | None = None
    source: str | None = None  # names that are safe to show
    target: str | None = None
    plan: str | None = None  # its hash
    source_fingerprint: str | None = None
    target_fingerprint: str | None = None
    rows_inserted: int | None = None
    rows_updated: int | None = None
    rows_deleted: int | None = None
    bytes: int | None = None
    exit_code: int | None = None
    code: str | None = None  # the error's code word

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if isinstance(value, str) and (len(value) > _LONGEST or not value.isprintable()):
                raise InternalFault(f"the audit log takes no such {name}")

    def to_text(self) -> str:
        """Return canonical JSON of what is known."""
        return canonical({name: value for name, value in asdict(self).items() if value is not None})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Somebody did something, or tried to. ``owner``: whose it is; ``actor``: who did it."""

    owner: str
    actor: str
    action: str  # a word such as sync, migrate.apply, connections.add
    outcome: Outcome
    subject: str | None = None  # what it was done to: an id or a name
    facts: AuditFacts = field(default_factory=AuditFacts)

    def __post_init__(self) -> None:
        if not _WORD.match(self.action):
            raise InternalFault("the audit log takes no such action")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainedEntry:
    """An entry as it stands in the log."""

    number: int
    at: float
    owner: str
    actor: str
    action: str
    subject: str | None
    outcome: str
    facts: str
    previous: str
    hash: str

    def computed_hash(self) -> str:
        """The hash that the entry ought to have."""
        return chain_hash({name: value for name, value in asdict(self).items() if name != "hash"})

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-safe data."""
        return asdict(self) | {"facts": json.loads(self.facts)}


@dataclass(frozen=True, slots=True)
class Head:
    """How many entries there are, and the last one's hash."""

    number: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> Head:
        """Read ``NUMBER:HASH``."""
        found = _HEAD.match(text.strip())
        if found is None:
            raise ConfigError("a head of the audit log is NUMBER:HASH", hint="dbsync audit verify prints it")
        return cls(int(found[1]), found[2])

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Fault:
    """The first entry that is not as it was written."""

    number: int
    message: str


def chain(entry: AuditEntry, head: Head, at: float) -> ChainedEntry:
    """Return the entry as it continues the log after ``head``."""
    record: dict[str, Any] = {
        "number": head.number + 1,
        "at": round(at, 3),
        "owner": entry.owner,
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "outcome": entry.outcome,
        "facts": entry.facts.to_text(),
        "previous": head.hash,
    }
    return ChainedEntry(**record, hash=chain_hash(record))


def first_fault(entries: Iterable[ChainedEntry], head: Head | None, known: Head | None = None) -> Fault | None:
    """Walk the whole log in order; ``known`` is a head that was kept elsewhere. Return what is wrong first."""
    last = Head(0, GENESIS)
    for entry in entries:
        fault = _fault_of(entry, last) or _contradiction(entry, known)
        if fault is not None:
            return fault
        last = Head(entry.number, entry.hash)
    if head is None:
        return Fault(last.number, "the head of the log is gone")
    if head.number > last.number:
        return Fault(last.number + 1, f"entries {last.number + 1} to {head.number} were cut off")
    if known is not None and known.number > last.number:
        return Fault(last.number + 1, f"the log had {known.number} entries once")
    if head != last:
        return Fault(last.number, "the last entry is not the one that the head names")
    return None


def _fault_of(entry: ChainedEntry, last: Head) -> Fault | None:
    if entry.number != last.number + 1:
        return Fault(last.number + 1, f"entry {last.number + 1} is missing")
    try:
        sound = entry.computed_hash() == entry.hash
    except (TypeError, ValueError):  # nothing that was ever written: bytes, or no number
        sound = False
    if not sound:
        return Fault(entry.number, f"entry {entry.number} was changed")
    if entry.previous != last.hash:
        return Fault(entry.number, f"entry {entry.number} does not continue the one before it")
    return None


def _contradiction(entry: ChainedEntry, known: Head | None) -> Fault | None:
    if known is not None and entry.number == known.number and entry.hash != known.hash:
        return Fault(entry.number, f"entry {entry.number} is not the one that was there: the log was written anew")
    return None


def chain_hash(record: dict[str, Any]) -> str:
    """SHA-256 over the canonical JSON of an entry, which holds the hash before it."""
    return hashlib.sha256(canonical(record).encode()).hexdigest()


def canonical(value: Any) -> str:
    """One spelling for each JSON value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(document: Mapping[str, Any]) -> str:
    """The hash of a plan: the same for the plan that was made and the one that was kept."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def printable(text: str) -> str:
    """A name as the log takes it."""
    return "".join(character if character.isprintable() else "?" for character in text)[:_LONGEST]
