"""Plan files: what ``--plan-out`` writes, and whether a later run may still do what it says.

A plan holds no secret and no connection: the ends are named by their identity. It is not carried out blindly;
the run plans again, and refuses where its plan would not be the one of the file.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from dbsync.data.drift import heeded
from dbsync.data.option_records import FREE, contradictions, from_record, to_record
from dbsync.data.options import SyncOptions
from dbsync.data.plan import FORMAT_VERSION, Contents, SyncPlan
from dbsync.errors import ConfigError, Refused, StalePlan
from dbsync.model import TableName
from dbsync.pg.identity import DatabaseIdentity

KIND = "dbsync sync plan"
_AGAIN = "make a new plan with --dry-run --plan-out"


@dataclass(frozen=True, slots=True)
class PlannedEnd:
    """Which database an end was, and the stamp of each table's structure."""

    identity: DatabaseIdentity
    stamps: Mapping[TableName, str]


@dataclass(frozen=True, slots=True)
class PlannedTable:
    """How a table was to be synchronised, and what the target held of it; None where nobody looked."""

    source: TableName
    strategy: str
    contents: Contents | None


@dataclass(frozen=True, slots=True)
class PlanFile:
    """What a run needs of a plan that was written before. ``tables`` is keyed by the target's names."""

    options: SyncOptions
    source: PlannedEnd
    target: PlannedEnd
    tables: Mapping[TableName, PlannedTable]

    def merged(self, asked: SyncOptions, typed: Collection[str] = ()) -> SyncOptions:
        """The plan's options, with those that say only how it is done; raise StalePlan where others are asked for.

        ``typed``: the options that were given by name, their defaults as well.
        """
        against = contradictions(asked, self.options, typed)
        if against:
            names = " and ".join("--" + name.replace("_", "-") for name in against)
            raise StalePlan(f"the plan was made with another {names}", hint=f"leave the option away, or {_AGAIN}")
        return replace(self.options, **{name: getattr(asked, name) for name in FREE})

    def check_ends(self, source: DatabaseIdentity, target: DatabaseIdentity) -> None:
        """Raise StalePlan when the plan was made for other databases."""
        for name, planned, found in (("source", self.source, source), ("target", self.target, target)):
            other = (planned.identity.system, planned.identity.database_oid) != (found.system, found.database_oid)
            # a server that hides its identifier is told by the name of its database, if by anything
            if other or (found.system is None and planned.identity.database != found.database):
                raise StalePlan(
                    f"the plan was made for another {name}: the database {planned.identity.database}, not this "
                    f"{found.database}",
                    hint=_AGAIN,
                )

    def held_to(self, plan: SyncPlan, source: Mapping[TableName, str], target: Mapping[TableName, str]) -> SyncPlan:
        """Return the plan with what the target must hold; heed where it is not the plan of the file."""
        warnings = heeded(self._drifts(plan, source, target), plan.options.on_drift, hint=_AGAIN)
        expected = {name: table.contents for name, table in self.tables.items() if table.contents is not None}
        return replace(plan, expected=expected, warnings=(*plan.warnings, *warnings))

    def _drifts(
        self, plan: SyncPlan, source: Mapping[TableName, str], target: Mapping[TableName, str]
    ) -> Iterator[str]:
        now = {task.target: task for task in plan.tables}
        for name in dict.fromkeys([*self.tables, *now]):
            if (name in now) != (name in self.tables) or now[name].source != self.tables[name].source:
                gone = "is not selected any more" if name in self.tables else "was not selected then"
                yield f"{name} {gone}"
        for where, planned, stamps in (("source", self.source.stamps, source), ("target", self.target.stamps, target)):
            for name, stamp in planned.items():
                if stamps.get(name) != stamp:
                    yield f"the structure of {name} was changed in the {where} since the plan was made"
        for task in plan.tables:
            before = self.tables[task.target].strategy if task.target in self.tables else task.strategy
            if before == "bulk" and task.strategy != before:
                yield f"{task.target} was empty in the target when the plan was made and holds rows now"
            elif task.strategy != before:
                yield f"{task.target} was planned as {before!r} and would be {task.strategy!r} now"


def heed_contents(plan: SyncPlan, found: Mapping[TableName, Contents]) -> list[str]:
    """Heed where a table of the target does not hold what it held when the plan was made; return the warnings."""
    return heeded(_content_drifts(plan.expected, found), plan.options.on_drift, hint=_AGAIN)


def _content_drifts(expected: Mapping[TableName, Contents], found: Mapping[TableName, Contents]) -> Iterator[str]:
    for table, before in expected.items():
        now = found.get(table)
        if now is not None and now != before:
            how = f"{before.rows:,} rows then, {now.rows:,} now" if now.rows != before.rows else "other content"
            yield f"rows of {table} were changed in the target since the plan was made: {how}"


def to_text(plan: SyncPlan, source: PlannedEnd, target: PlannedEnd, contents: Mapping[TableName, Contents]) -> str:
    """Return the file's text."""
    document = plan.to_dict() | {
        "kind": KIND,
        "totals": plan.totals(),
        "options": to_record(plan.options),
        "source": _end_dict(source),
        "target": _end_dict(target),
        "contents": {str(table): asdict(held) for table, held in contents.items()},
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def from_text(text: str, name: str) -> PlanFile:
    """Read what ``to_text`` wrote; ``name`` is the file's, for the messages. Raises ConfigError."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _unreadable(name, f"it is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise _unreadable(name, "dbsync sync --plan-out did not write it")
    if document.get("format_version") != FORMAT_VERSION:
        said = f"its format version is {document.get('format_version')}, this dbsync reads {FORMAT_VERSION}"
        raise _unreadable(name, said)
    try:
        return _plan_file(document)
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration, ConfigError, Refused):
        raise _unreadable(name, "a part of it is missing or was changed") from None


def _plan_file(document: Mapping[str, Any]) -> PlanFile:
    contents = {TableName.parse(table): Contents(**held) for table, held in document["contents"].items()}
    tables = {}
    for entry in document["tables"]:
        target = TableName.parse(entry["table"])
        tables[target] = PlannedTable(
            TableName.parse(entry["source_table"]), str(entry["strategy"]), contents.get(target)
        )
    return PlanFile(
        options=from_record(document["options"]),
        source=_end(document["source"]),
        target=_end(document["target"]),
        tables=tables,
    )


def _end(entry: Mapping[str, Any]) -> PlannedEnd:
    identity = DatabaseIdentity(entry["system"], int(entry["database_oid"]), str(entry["database"]))
    return PlannedEnd(identity, {TableName.parse(table): str(stamp) for table, stamp in entry["stamps"].items()})


def _end_dict(end: PlannedEnd) -> dict[str, Any]:
    return asdict(end.identity) | {"stamps": {str(table): stamp for table, stamp in end.stamps.items()}}


def _unreadable(name: str, why: str) -> ConfigError:
    return ConfigError(f"{name!r} is not a plan that can be run: {why}", code="BAD_PLAN", hint=_AGAIN)
