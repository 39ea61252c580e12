"""Try a plan on a shadow: run it, measure it, and let two judges compare the outcome with what is wanted.

One judge is the snapshot that the plan was made from; the other is pg_dump, which knows nothing of it. Then
the way back is planned from the shadow's own state, run, and judged in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from dbsync.control import Control
from dbsync.dumping import DumpProgram, dump_schema, find_pg_dump
from dbsync.engines import FOREIGN, OtherEngine, ensure_harmless, other_steps
from dbsync.errors import ConfigError, DbsyncError, StatementFailed
from dbsync.pg.database import Database, Session
from dbsync.pg.losses import holders, lost
from dbsync.pg.measure import Effects, Measuring, TableSize
from dbsync.schema.choice import Choice, choose
from dbsync.schema.diff import SchemaDiff, compare_schemas, schema_fingerprint
from dbsync.schema.dump import differing_objects
from dbsync.schema.hazards import hazards_of
from dbsync.schema.objects import Snapshot
from dbsync.schema.plan import Proof, Statement, Unplanned
from dbsync.schema.planner import grouped, plan_statements
from dbsync.schema.renames import Rename, likely_renames, read_renames, rename_steps
from dbsync.schema.snapshot import take_snapshot
from dbsync.schema.steps import Step
from dbsync.shadow import Filled, NoShadow, Shadows, dump_of

_QUICK_MS = 3_000
_LONG_MS = 20 * 60_000
_MOST_NAMED = 20
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


def planned_only(wanted: Wanted, reason: str) -> Tried:
    """Plan without a shadow. Raises ConfigError for renames, which need one."""
    if wanted.renames:
        raise ConfigError(f"--rename needs a shadow to be tried on: {reason}", code="NO_SHADOW")
    chosen = choose(wanted.source, wanted.target, wanted.choice)
    planned = plan_statements(chosen.source, chosen.target, ignore=wanted.choice.ignored_parts, online=wanted.online)
    not_run = Proof(state="not run", reason=reason)
    return Tried(
        statements=tuple(_hazardous(statement, None, {}) for statement in planned.statements),
        undo=(),
        unplanned=planned.unplanned,
        warnings=(*planned.warnings, *likely_renames(planned.diff, chosen.source, chosen.target)),
        proof=not_run,
        undo_proof=not_run,
    )


def same_already(wanted: Wanted, ends: tuple[Session, Session], *, control: Control) -> Tried | None:
    """Judge two schemas between which nothing differs, without a shadow: there is nothing to try. None for others."""
    if wanted.renames or wanted.engine != "own" or _major(wanted.source) != _major(wanted.target):
        return None
    chosen = choose(wanted.source, wanted.target, wanted.choice)
    if not compare_schemas(chosen.source, chosen.target, ignore=wanted.choice.ignored_parts).empty:
        return None
    differences, judges = [], ["snapshot"]
    if wanted.choice == Choice():
        with suppress(NoShadow):  # no pg_dump, or no right to dump
            (one, program), (other, _) = dump_of(ends[0], control), dump_of(ends[1], control)
            judges.append(f"pg_dump {program.major}")
            differences = [f"pg_dump: {title}" for title in differing_objects(one, other)]
    proof = Proof(
        state="differs" if differences else "proved",
        server_version=_version(wanted.target),
        differences=tuple(differences[:_MOST_NAMED]),
        judges=tuple(judges),
    )
    return Tried(
        statements=(), undo=(), unplanned=(), warnings=(), proof=proof, undo_proof=proof,
        expected=schema_fingerprint(wanted.target),
    )  # fmt: skip


def try_out(
    places: Shadows,
    wanted: Wanted,
    ends: tuple[Session, Session],
    sizes: Mapping[tuple[str, str], TableSize],
    *,
    control: Control,
) -> Tried:
    """Plan and prove on shadows of ``ends`` (source, target). Raises NoShadow where no true copy can be made."""
    target_text, program = dump_of(ends[1], control)
    with places.filled(target_text, encoding=_encoding(wanted.target)) as shadow:
        shadow.populate(_populated(wanted.target))
        start = _snapshot(shadow.database)
        same_prints = places.major == _major(wanted.target)
        if same_prints:
            _require_copy(start, wanted.target)
        source, source_text = _wanted_here(places, wanted.source, ends[0], program, control)
        trial = _Trial(shadow, places.major, replace(wanted, source=source), start, sizes, program, control)
        if wanted.engine != "own":
            trial.foreign = _asked(wanted.engine, places, shadow, (start, source), source_text, control)
        return trial.run(source_text, target_text, same_prints=same_prints)


def prove_again(
    places: Shadows,
    target: Session,
    present: Snapshot,
    statements: Sequence[Statement],
    expected: str,
    *,
    control: Control,
) -> Proof:
    """Run statements on a fresh shadow and compare the outcome's fingerprint. Raises NoShadow."""
    text, _ = dump_of(target, control)
    with places.filled(text, encoding=_encoding(present)) as shadow:
        if places.major != _major(present):
            raise NoShadow(f"the shadow runs Postgres {places.major}, which prints definitions otherwise")
        shadow.populate(_populated(present))
        _require_copy(_snapshot(shadow.database), present)
        with shadow.session() as session, control.on_stop(session.cancel):
            measuring = Measuring(session)
            for number, statement in enumerate(statements, 1):
                try:
                    _run(measuring, statement)
                except StatementFailed as error:
                    control.check()
                    return _failed(number, error, session)
        after = _snapshot(shadow.database)
    same = schema_fingerprint(after) == expected
    differences = () if same else ("the outcome is not what the plan promises",)
    return Proof(
        state="proved" if same else "differs",
        server_version=_version(after),
        differences=differences,
        judges=("snapshot",),
    )


def _wanted_here(
    places: Shadows, source: Snapshot, session: Session, program: DumpProgram, control: Control
) -> tuple[Snapshot, str | None]:
    """The source as the shadow's version prints it, and its dump; servers of two versions print differently."""
    text, _ = dump_of(session, control)
    if _major(source) == places.major:
        return source, text
    with places.filled(text, encoding=_encoding(source)) as copy:
        own = _program_for(program, places.major)
        return _snapshot(copy.database), dump_schema(copy.database.url, own, check=control.check) if own else None


def _asked(
    engine: OtherEngine,
    places: Shadows,
    shadow: Filled,
    sides: tuple[Snapshot, Snapshot],
    source_text: str | None,
    control: Control,
) -> list[Step]:
    """What another engine would run, between the shadow and a second one that is like the source."""
    ensure_harmless(engine, *sides)
    if source_text is None:
        raise NoShadow(f"no pg_dump is installed to make a copy of the source for {engine}")
    with places.filled(source_text, encoding=_encoding(sides[1])) as copy:
        return other_steps(engine, shadow.database, copy.database, check=control.check)


class _Trial:
    def __init__(
        self, shadow: Filled, major: int, wanted: Wanted, start: Snapshot,
        sizes: Mapping[tuple[str, str], TableSize], program: DumpProgram, control: Control,
    ) -> None:  # fmt: skip
        self.shadow, self.wanted, self.start, self.sizes = shadow, wanted, start, sizes
        self.program, self.control, self.choice = _program_for(program, major), control, wanted.choice
        self.foreign: list[Step] | None = None  # the statements of another engine, in place of a plan of our own

    def run(self, source_text: str | None, target_text: str, *, same_prints: bool) -> Tried:
        renames = read_renames(self.wanted.renames, self.wanted.source, self.start)
        self.sizes = _by_new_names(self.sizes, renames)
        first = grouped(rename_steps(renames, self.start))
        first, failure = self._measure(first)
        _, statements, unplanned, warnings = self._plan(self.wanted.source, failure, self.foreign)
        statements = _renumbered(first, statements)
        rest, failure = self._measure(statements[len(first) :], failure, offset=len(first))
        statements = (*first, *rest)
        if failure is not None:
            none = Proof(state="not run", reason="the plan itself failed")
            return Tried(
                statements=statements, undo=(), unplanned=unplanned, warnings=warnings, proof=failure, undo_proof=none
            )
        after = _snapshot(self.shadow.database)
        proof = self._judged(self.wanted.source, after, source_text)
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
        self, goal: Snapshot, failure: Proof | None, foreign: Sequence[Step] | None = None
    ) -> tuple[SchemaDiff | None, tuple[Statement, ...], tuple[Unplanned, ...], tuple[str, ...]]:
        if failure is not None:
            return None, (), (), ()
        if foreign is not None:
            return None, grouped(foreign), (), ()
        chosen = choose(goal, _snapshot(self.shadow.database), self.choice)
        planned = plan_statements(
            chosen.source, chosen.target, ignore=self.choice.ignored_parts, online=self.wanted.online
        )
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
                        effects = _run(measuring, statement)
                        if foreign:
                            tried = replace(statement, destroys=lost(held, holders(session)))
                    except StatementFailed as error:
                        self.control.check()  # a stop cancels what runs: that says nothing about the plan
                        failure = _failed(number, error, session)
                found.append(_hazardous(tried, effects, self.sizes))
        return tuple(found), failure

    def _judged(self, goal: Snapshot, after: Snapshot, dump: str | None) -> Proof:
        self.control.check()
        chosen = choose(goal, after, self.choice)
        left = compare_schemas(chosen.source, chosen.target, ignore=self.choice.ignored_parts)
        differences = _named(left)
        judges = ["snapshot"]
        if dump is not None and self.program is not None and self.choice == Choice():
            judges.append(f"pg_dump {self.program.major}")
            mine = dump_schema(self.shadow.database.url, self.program, check=self.control.check)
            differences += [f"pg_dump: {title}" for title in differing_objects(dump, mine)]
        return Proof(
            state="differs" if differences else "proved",
            server_version=_version(after),
            differences=tuple(differences[:_MOST_NAMED]),
            judges=tuple(judges),
        )

    def _back(self, renames: Sequence[Rename], target_text: str) -> tuple[tuple[Statement, ...], Proof]:
        """Plan the way back from what the shadow is now, run it as a whole, and judge it."""
        first = grouped(rename_steps(renames, _snapshot(self.shadow.database)))
        first, failure = self._measure(first)
        _, rest, unplanned, _ = self._plan(self.start, failure)
        statements = _renumbered(first, rest)
        done, failure = self._measure(statements[len(first) :], failure, offset=len(first))
        statements = (*first, *done)
        if failure is not None:
            return statements, failure
        proof = self._judged(self.start, _snapshot(self.shadow.database), target_text)
        if unplanned and proof.state == "proved":
            proof = replace(proof, state="differs", differences=tuple(str(item.ref) for item in unplanned))
        return statements, proof


def _run(measuring: Measuring, statement: Statement) -> Effects | None:
    if statement.transactional:
        return measuring.run(statement.sql)
    measuring.run_alone(statement.sql)
    return None


def _hazardous(statement: Statement, effects: Effects | None, sizes: Mapping[tuple[str, str], TableSize]) -> Statement:
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


def _require_copy(copy: Snapshot, original: Snapshot) -> None:
    """Raise NoShadow unless the copy is what the original is."""
    differences = _named(compare_schemas(original, copy))
    if differences:
        more = f" and {len(differences) - 3} more" if len(differences) > 3 else ""
        raise NoShadow(f"the shadow is not like the target: {'; '.join(differences[:3])}{more}")


def _named(diff: SchemaDiff) -> list[str]:
    return [
        *(f"missing: {ref}" for ref in diff.created),
        *(f"left: {ref}" for ref in diff.dropped),
        *(f"{change.ref}: {', '.join(change.parts)}" for change in diff.changed),
    ]


def _failed(number: int, error: DbsyncError, session: Session) -> Proof:
    version = f"{session.server_version_num // 10000}.{session.server_version_num % 10000}"
    return Proof(state="failed", server_version=version, failed_at=number, reason=error.message)


def _snapshot(database: Database) -> Snapshot:
    session = replace(database, read_only=True).connect(application_name="dbsync shadow")
    try:
        return take_snapshot(session)
    finally:
        session.close()


def _program_for(program: DumpProgram, major: int) -> DumpProgram | None:
    return program if program.major >= major else find_pg_dump(major)


def _populated(snapshot: Snapshot) -> list[tuple[str, str]]:
    return [ref[1:3] for ref, made in snapshot.objects.items() if ref.kind == "matview" and made.parts["populated"]]


def _version(snapshot: Snapshot) -> str:
    return f"{snapshot.server_version_num // 10000}.{snapshot.server_version_num % 10000}"


def _major(snapshot: Snapshot) -> int:
    return snapshot.server_version_num // 10000


def _encoding(snapshot: Snapshot) -> str:
    return snapshot.encoding
