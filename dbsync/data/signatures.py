"""Which row versions both sides held when a verified run was done, and whether they still stand for their rows.

A row version at (ctid, xmin) never changes, so a segment with the same versions as then holds the same rows,
as long as the facts kept beside the versions are as they were. One that moved: every row is hashed, and it is said.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from dbsync import __version__
from dbsync.data.compare import Ends
from dbsync.data.delta import Delta
from dbsync.data.plan import SyncPlan, TableTask
from dbsync.errors import DbsyncError, StatementFailed
from dbsync.model import TableName
from dbsync.pg import ledger
from dbsync.pg.database import Session
from dbsync.pg.facts import ServerFacts, TableFacts, read_server, read_tables
from dbsync.pg.identity import DatabaseIdentity, identify
from dbsync.pg.ledger import Quiet
from dbsync.pg.ledger_memory import Signature, read_signatures, renew_signature, write_signature
from dbsync.pg.snapshot import ReaderPool, Snapshot
from dbsync.segments import MASK, Remembered, Segmentation, Sums

_FARTHEST = 1 << 30  # transactions; after 2^32 the number of one is given again
_SIGN = 1 << 63
_SPELLING = 2  # how a row's text is made; raised where rows that were alike are told apart, as they were believed equal
_MOVED = {
    "system": "the {side} is another cluster",
    "timeline": "the {side} is on another timeline, or changed between primary and standby",
    "database": "the {side} is another database",
    "version": "the {side}'s server version changed",
    "started": "the {side}'s server was started again",
    "recovered": "the {side}'s server recovered from a crash, or its statistics were reset",
    "relations": "the {side}'s table was written anew, or is another one",
    "columns": "the {side}'s columns changed",
    "types": "a type of the {side}'s columns changed",
    "comparison": "it was compared otherwise (filters, columns, names, key, or another dbsync)",
}
# What happens to the target's server happens to the ledger in it, too: what a crash or a restored backup takes
# away, it takes away with the signatures that were stored after it.
_SOURCE_ONLY = frozenset(("started", "recovered"))


@dataclass(frozen=True, slots=True)
class _End:
    """The facts of one side, read before any row was."""

    server: ServerFacts
    tables: Mapping[int, TableFacts]
    oids: Mapping[TableName, int]

    def facts(self, table: TableName) -> dict[str, Any]:
        known = self.tables[self.oids[table]]
        return asdict(self.server) | {"relations": known.relations, "columns": known.columns, "types": known.types}

    def obstacle(self, table: TableName) -> str | None:
        return self.tables[self.oids[table]].obstacle


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a plan's tables. ``ends`` is None where nothing can be: ``silence`` says why.

    ``quiet``: the last transactions before the target's snapshot that wrote no rows; none of them, and so an end
    before its beginning, where nothing is known of the last.
    """

    silence: str = ""
    origin: DatabaseIdentity | None = None
    ends: tuple[_End, _End] | None = None
    signatures: Mapping[TableName, Signature] | None = None
    quiet: Quiet | None = None

    def keeps(self, task: TableTask) -> bool:
        """Whether this run leaves signatures of a table."""
        return self.ends is not None and self.origin is not None and self._obstacle(task) is None

    def recall(self, task: TableTask) -> Remembered | str:
        """Return the versions that can be trusted, or why every row must be hashed."""
        if self.ends is None or self.signatures is None:
            return self.silence
        obstacle = self._obstacle(task)
        if obstacle is not None:
            return obstacle
        found = self.signatures.get(task.target)
        if found is None:
            return "no verified run has left signatures"
        then = (found.source_facts, found.target_facts)
        reason = _moved(then, self._facts(task))
        return reason if reason is not None else _remembered(found, self._facts(task), self.quiet)

    def keep(self, session: Session, task: TableTask, delta: Delta, after: Sums | None) -> None:
        """Note the versions that a table's verified segments have, in the transaction that wrote or looked at them.

        ``after``: what the target holds now, where it was written to.
        """
        if self.origin is None or not self.keeps(task):
            return
        if after is None and not delta.hashed and not delta.reread:
            if delta.passed:
                renew_signature(session, self.origin, task.target, self._facts(task))
            return  # nothing is known that was not before
        source, target = self._facts(task)
        now = after if after is not None else delta.target
        differing = [
            number
            for number in delta.segments
            if after is None or after.contents(number) != delta.source.contents(number)
        ]
        signature = Signature(
            source_facts=source,
            target_facts=target,
            segmentation=delta.segmentation.to_dict() | {"open": differing},
            source_signatures=_signed(delta.source),
            source_counts=delta.source.rows,
            target_signatures=_signed(now),
            target_counts=now.rows,
        )
        write_signature(session, self.origin, task.target, signature)

    def _obstacle(self, task: TableTask) -> str | None:
        assert self.ends is not None
        source, target = self.ends
        return source.obstacle(task.source) or target.obstacle(task.target)

    def _facts(self, task: TableTask) -> tuple[dict[str, Any], dict[str, Any]]:
        assert self.ends is not None
        source, target = self.ends
        return source.facts(task.source) | {"comparison": _comparison(task)}, target.facts(task.target)


def trusts(plan: SyncPlan) -> bool:
    """Whether rows may be taken for what they were; what a plan file expects has to be looked at as a whole."""
    return not plan.options.full_compare and not plan.expected


def remember(
    plan: SyncPlan,
    ends: Ends,
    oids: tuple[Mapping[TableName, int], Mapping[TableName, int]],
    *,
    trust: bool,
    lent: Session | None = None,
) -> Memory:
    """Read what earlier runs left and what must be as it was then, under the snapshots that rows are read in.

    Without ``trust`` nothing is recalled, but kept. ``lent``: a session on the target that knows the catalogs already,
    to be asked while a reader is opened.
    """
    tasks = [task for task in plan.tables if task.strategy == "compare"]
    if not plan.ledger or not tasks:
        return Memory()
    try:
        left, right = ([side[name] for name in names] for side, names in zip(oids, _names(tasks), strict=True))
        theirs = ends.target.lent(lent) if lent is not None else ends.target.reader()
        with theirs as session, ThreadPoolExecutor(2, thread_name_prefix="facts") as beside:
            reading = beside.submit(_read_end, session, right, oids[1])
            if lent is not None:
                beside.submit(_open_one, ends.target)
            with ends.source.reader() as mine:
                origin = identify(mine)
                if origin.system is None:
                    return Memory("the source does not tell its system identifier")
                both = _read_end(mine, left, oids[0]), reading.result()
            there = ledger.find_ledger(session) is not None
            known = read_signatures(session, origin, _names(tasks)[1]) if trust and there else {}
            quiet = _quiet(ledger.last_quiet(session) if there else None, ends.target.snapshot)
    except StatementFailed as error:
        return Memory(f"signatures cannot be used: {error.message}")
    if not trust:
        return Memory("--full-compare" if plan.options.full_compare else "", origin, both, quiet=quiet)
    return Memory("", origin, both, known, quiet)


def _read_end(session: Session, oids: list[int], all_oids: Mapping[TableName, int]) -> _End:
    return _End(read_server(session), read_tables(session, oids), all_oids)


def _open_one(readers: ReaderPool) -> None:
    """Let a reader be there when rows are read; whoever reads them hears why there is none."""
    with suppress(DbsyncError), readers.reader():
        pass


def how_compared(delta: Delta, why: str) -> str:
    """How many segments were hashed, as an addition to a table's reason; empty where that goes without saying."""
    if delta.outgrown:
        why = "the table has outgrown its segments"
    if why or delta.source.complete:
        return f"every row hashed: {why}" if why else ""
    total = delta.segmentation.count
    return f"{delta.hashed:,} of {total:,} segments hashed, in the others no row was written since they were verified"


def _names(tasks: list[TableTask]) -> tuple[list[TableName], list[TableName]]:
    return [task.source for task in tasks], [task.target for task in tasks]


def _comparison(task: TableTask) -> str:
    """A short text that tells one way of comparing two tables from another."""
    how = [
        __version__,
        _SPELLING,
        [str(task.source), str(task.target), task.source_only, task.target_only, task.where],
        [[pair.name, pair.digest, pair.nullable] for pair in task.columns],
        asdict(task.key) if task.key else None,
    ]
    return hashlib.sha256(json.dumps(how, ensure_ascii=False).encode()).hexdigest()[:32]


def _moved(then: tuple[Mapping[str, Any], Mapping[str, Any]], now: tuple[dict[str, Any], dict[str, Any]]) -> str | None:
    """The first fact that is not as it was, as the reason to hash every row."""
    for side, before, after in zip(("source", "target"), then, now, strict=True):
        for fact, reason in _MOVED.items():
            if side == "target" and fact in _SOURCE_ONLY:
                continue
            if before.get(fact) != after.get(fact):
                return f"{reason.format(side=side)} since the last verified run"
        passed = after["xid"] - before.get("xid", -_FARTHEST)
        if not 0 <= passed < _FARTHEST:
            return f"too many transactions of the {side} have passed since the last verified run"
    return None


def _quiet(last: Quiet | None, snapshot: Snapshot) -> Quiet:
    """Which transactions right before the target's snapshot kept books and did nothing else; maybe none."""
    until = snapshot.next - 1
    return last if last is not None and last.until == until else Quiet(snapshot.next, until)


def _since(found: Signature, now: tuple[dict[str, Any], dict[str, Any]], quiet: Quiet | None) -> tuple[int, int] | None:
    """From which transaction on each side may have been written to; None where numbers may have been given again.

    That is the oldest that had not ended when the signature was made, or the first after a quiet time that had begun
    by then.
    """
    since = []
    for then, facts in zip((found.source_facts, found.target_facts), now, strict=True):
        oldest = then.get("oldest")
        if oldest is None or facts["xid"] - oldest >= _FARTHEST:
            return None
        since.append(int(oldest))
    source, target = since
    return source, quiet.until + 1 if quiet is not None and quiet.since <= target else target


def _remembered(found: Signature, now: tuple[dict[str, Any], dict[str, Any]], quiet: Quiet | None) -> Remembered:
    cutting = dict(found.segmentation)
    unequal = frozenset(cutting.pop("open"))
    segmentation = Segmentation(**cutting)
    return Remembered(
        segmentation=segmentation,
        source=Sums.of_versions(found.source_counts, found.source_signatures, segmentation.count),
        target=Sums.of_versions(found.target_counts, found.target_signatures, segmentation.count),
        open=unequal,
        since=_since(found, now, quiet),
    )


def _signed(sums: Sums) -> array[int]:
    """Signatures as the database's bigint holds them."""
    return array("q", (((value + _SIGN) & MASK) - _SIGN for value in sums.versions))
