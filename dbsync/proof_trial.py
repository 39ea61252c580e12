"""One trial of a plan on a shadow: run it statement by statement, measure each, and let two judges compare the outcome.

One judge is the snapshot that the plan was made from; the other is pg_dump, which knows nothing of it. Then
the way back is planned from the shadow's own state, run, and judged in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from dbsync.control import Control
from dbsync.dumping import DumpProgram, dump_schema, find_pg_dump
from dbsync.engines import FOREIGN, OtherEngine
from dbsync.errors import DbsyncError, StatementFailed
from dbsync.pg.database import Database, Session
from dbsync.pg.losses import holders, lost
from dbsync.pg.measure import Effects, Measuring, TableSize
from dbsync.schema.choice import Choice, choose
from dbsync.schema.diff import SchemaDiff, compare_schemas, schema_fingerprint
from dbsync.schema.dump import differing_objects
from dbsync.schema.hazards import hazards_of
from dbsync.schema.left_alone import disturbed, whole
from dbsync.schema.objects import Snapshot
from dbsync.schema.plan import Proof, Statement, Unplanned
from dbsync.schema.planner import grouped, plan_statements
from dbsync.schema.renames import Rename, likely_renames, read_renames, rename_steps
from dbsync.schema.snapshot import take_snapshot
from dbsync.schema.steps import Step
from dbsync.shadow import Filled

MOST_NAMED = 20  # differences that a proof lists
_QUICK_MS = 3_000
_LONG_MS = 20 * 60_000
Renames = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a plan is to reach, with what it starts from: snapshots, both as servers printed them."""

    source: Snapshot
    target: Snapshot
    choice: Choice
    renames: Renames = ()
    online: bool = False
    engine: Literal["own"] | OtherEngine = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A plan, there and back, with what became of it on the shadow."""

    statements: tuple[Statement, ...]
    undo: tuple[Statement, ...]
    unplanned: tuple[Unplanned, ...]
    warnings: tuple[str, ...]
    proof: Proof
    undo_proof: Proof
    expected: str | None = None


class Trial:
    """A plan on its way over a shadow that is like the target; ``foreign``: what another engine runs in its place."""

    def __init__(
        self, shadow: Filled, major: int, wanted: Wanted, start: Snapshot,
        sizes: Mapping[tuple[str, str], TableSize], program: DumpProgram, control: Control,
    ) -> None:  # fmt: skip
        self.shadow, self.wanted, self.start, self.sizes = shadow, wanted, start, sizes
        self.program, self.control, self.choice = program_for(program, major), control, wanted.choice
        self.foreign: list[Step] | None = None

    def run(self, source_text: str | None, target_text: str, *, same_prints: bool) -> Tried:
        """Plan, run and judge, there and back; the texts are the dumps of both ends."""
        renames = read_renames(self.wanted.renames, self.wanted.source, self.start)
        self.sizes = _by_new_names(self.sizes, renames)
        first = grouped(rename_steps(renames, self.start))
        first, failure = self._measure(first)
        _, statements, unplanned, warnings = self._plan(self.wanted.source, failure, self.foreign, self.wanted.target)
        statements = _renumbered(first, statements)
        rest, failure = self._measure(statements[len(first) :], failure, offset=len(first))
        statements = (*first, *rest)
        if failure is not None:
            none = Proof(state="not run", reason="the plan itself failed")
            return Tried(
                statements=statements, undo=(), unplanned=unplanned, warnings=warnings, proof=failure, undo_proof=none
            )
        after = snapshot_of(self.shadow.database)
        proof = self._judged(self.wanted.source, after, source_text, self.choice)
        undo, undo_proof = self._back([rename.reversed() for rename in renames], target_text)
        return Tried(
            statements=statements,
            undo=undo,
            unplanned=unplanned,
            warnings=warnings,
            proof=proof,
            undo_proof=undo_proof,
            expected=schema_fingerprint(after) if same_prints else None,
        )

    def _plan(
        self,
        goal: Snapshot,
        failure: Proof | None,
        foreign: Sequence[Step] | None = None,
        original: Snapshot | None = None,
        choice: Choice | None = None,
    ) -> tuple[SchemaDiff | None, tuple[Statement, ...], tuple[Unplanned, ...], tuple[str, ...]]:
        if failure is not None:
            return None, (), (), ()
        if foreign is not None:
            return None, grouped(foreign), (), ()
        present, choice = snapshot_of(self.shadow.database), choice or self.choice
        chosen = choose(goal, present if original is None else present.with_unsaid(original), choice)
        planned = plan_statements(chosen.source, chosen.target, ignore=choice.ignored_parts, online=self.wanted.online)
        warnings = (*planned.warnings, *likely_renames(planned.diff, chosen.source, chosen.target))
        return planned.diff, planned.statements, planned.unplanned, warnings

    def _measure(
        self, statements: Sequence[Statement], failure: Proof | None = None, *, offset: int = 0
    ) -> tuple[tuple[Statement, ...], Proof | None]:
        """Run statements one by one, each in a transaction of its own, and note what each did."""
        found: list[Statement] = []
        with self.shadow.session() as session, self.control.on_stop(session.cancel):
            measuring = Measuring(session)
            for number, statement in enumerate(statements, offset + 1):
                self.control.check()
                effects, tried = None, statement
                if failure is None:
                    try:
                        # Another engine does not say what it destroys.
                        foreign = statement.ref.kind == FOREIGN
                        held = holders(session) if foreign else {}
                        effects = run_measured(measuring, statement)
                        if foreign:
                            tried = replace(statement, destroys=lost(held, holders(session)))
                    except StatementFailed as error:
                        self.control.check()  # a stop cancels what runs: that says nothing about the plan
                        failure = failed_proof(number, error, session)
                found.append(with_hazards(tried, effects, self.sizes))
        return tuple(found), failure

    def _judged(self, goal: Snapshot, after: Snapshot, dump: str | None, choice: Choice) -> Proof:
        self.control.check()
        chosen = choose(goal, after, choice)
        left = compare_schemas(chosen.source, chosen.target, ignore=choice.ignored_parts)
        differences = named_differences(left) + disturbed(self.start, goal, after, choice)
        judges = ["snapshot"]
        if dump is not None and self.program is not None and self.choice == Choice():
            judges.append(f"pg_dump {self.program.major}")
            mine = dump_schema(self.shadow.database.url, self.program, check=self.control.check)
            differences += [f"pg_dump: {title}" for title in differing_objects(dump, mine)]
        return Proof(
            state="differs" if differences else "proved",
            server_version=version_of(after),
            differences=tuple(differences[:MOST_NAMED]),
            judges=tuple(judges),
        )

    def _back(self, renames: Sequence[Rename], target_text: str) -> tuple[tuple[Statement, ...], Proof]:
        """Plan the way back from what the shadow is now, run it as a whole, and judge it.

        All that the plan changed is taken back, so also what went with it though the options leave it out.
        """
        choice = whole(self.choice)
        first = grouped(rename_steps(renames, snapshot_of(self.shadow.database)))
        first, failure = self._measure(first)
        _, rest, unplanned, _ = self._plan(self.start, failure, choice=choice)
        statements = _renumbered(first, rest)
        done, failure = self._measure(statements[len(first) :], failure, offset=len(first))
        statements = (*first, *done)
        if failure is not None:
            return statements, failure
        proof = self._judged(self.start, snapshot_of(self.shadow.database), target_text, choice)
        if unplanned and proof.state == "proved":
            proof = replace(proof, state="differs", differences=tuple(str(item.ref) for item in unplanned))
        return statements, proof


def run_measured(measuring: Measuring, statement: Statement) -> Effects | None:
    """Run a statement as the plan would; return what it did, where that could be measured."""
    if statement.transactional:
        return measuring.run(statement.sql)
    measuring.run_alone(statement.sql)
    return None


def with_hazards(
    statement: Statement, effects: Effects | None, sizes: Mapping[tuple[str, str], TableSize]
) -> Statement:
    """The statement with its hazards and time limits, by what it did."""
    long = effects is None or bool(effects.rewrites or effects.scans or effects.builds)
    # CONCURRENTLY waits as for a lock for every transaction that is older, and nobody waits behind it.
    patient = not statement.transactional and " CONCURRENTLY " in statement.sql
    return replace(
        statement,
        hazards=hazards_of(statement, effects, sizes),
        timeout_ms=_LONG_MS if long else _QUICK_MS,
        lock_timeout_ms=_LONG_MS if patient else statement.lock_timeout_ms,
    )


def _by_new_names(
    sizes: Mapping[tuple[str, str], TableSize], renames: Sequence[Rename]
) -> Mapping[tuple[str, str], TableSize]:
    """The sizes also under the names that tables have after each statement of the renames."""
    found = dict(sizes)
    schemas = {rename.old.name: rename.new.name for rename in renames if rename.old.kind == "schema"}
    tables = {rename.old[1:3]: rename.new[1:3] for rename in renames if rename.old.kind in ("table", "matview")}
    for (schema, table), size in sizes.items():
        found.setdefault((schemas.get(schema, schema), table), size)
        new_schema, new_table = tables.get((schema, table), (schema, table))
        found.setdefault((new_schema, table), size)
        found.setdefault((new_schema, new_table), size)
    return found


def _renumbered(first: Sequence[Statement], rest: Sequence[Statement]) -> tuple[Statement, ...]:
    """Statements of the renames and of the plan as one plan: they share a transaction where both may."""
    if not first or not rest:
        return (*first, *rest)
    joint = first[-1].transactional and rest[0].transactional
    shift = first[-1].group + (0 if joint else 1)
    return (*first, *(replace(statement, group=statement.group + shift) for statement in rest))


def named_differences(diff: SchemaDiff) -> list[str]:
    """Each difference in a few words."""
    return [
        *(f"missing: {ref}" for ref in diff.created),
        *(f"left: {ref}" for ref in diff.dropped),
        *(f"{change.ref}: {', '.join(change.parts)}" for change in diff.changed),
    ]


def failed_proof(number: int, error: DbsyncError, session: Session) -> Proof:
    """The proof of a plan whose statement of this number failed."""
    version = f"{session.server_version_num // 10000}.{session.server_version_num % 10000}"
    return Proof(state="failed", server_version=version, failed_at=number, reason=error.message)


def snapshot_of(database: Database) -> Snapshot:
    """The schema of a shadow as it is now."""
    session = replace(database, read_only=True).connect(application_name="dbsync shadow")
    try:
        return take_snapshot(session)
    finally:
        session.close()


def program_for(program: DumpProgram, major: int) -> DumpProgram | None:
    """A pg_dump that can read a server of this major version."""
    return program if program.major >= major else find_pg_dump(major)


def version_of(snapshot: Snapshot) -> str:
    """The server's version, as 18.1."""
    return f"{snapshot.server_version_num // 10000}.{snapshot.server_version_num % 10000}"
