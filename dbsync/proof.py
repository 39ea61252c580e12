"""Prove a plan: on a shadow that is a true copy of the target, in a trial there and back, or without one.

What a trial is, and who judges its outcome, stands in ``proof_trial``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from dbsync.control import Control
from dbsync.dumping import DumpProgram, dump_schema
from dbsync.engines import OtherEngine, ensure_harmless, other_steps
from dbsync.errors import ConfigError, StatementFailed
from dbsync.pg.database import Session
from dbsync.pg.measure import Measuring, TableSize
from dbsync.proof_trial import (
    MOST_NAMED,
    Trial,
    Tried,
    Wanted,
    failed_proof,
    named_differences,
    program_for,
    run_measured,
    snapshot_of,
    version_of,
    with_hazards,
)
from dbsync.schema.choice import Choice, choose
from dbsync.schema.diff import compare_schemas, schema_fingerprint
from dbsync.schema.dump import differing_objects
from dbsync.schema.objects import Snapshot
from dbsync.schema.plan import Proof, Statement
from dbsync.schema.planner import plan_statements
from dbsync.schema.renames import likely_renames
from dbsync.schema.steps import Step
from dbsync.shadow import Filled, NoShadow, Original, Shadows, dump_of


def planned_only(wanted: Wanted, reason: str) -> Tried:
    """Plan without a shadow. Raises ConfigError for renames, which need one."""
    if wanted.renames:
        raise ConfigError(f"--rename needs a shadow to be tried on: {reason}", code="NO_SHADOW")
    chosen = choose(wanted.source, wanted.target, wanted.choice)
    planned = plan_statements(chosen.source, chosen.target, ignore=wanted.choice.ignored_parts, online=wanted.online)
    not_run = Proof(state="not run", reason=reason)
    return Tried(
        statements=tuple(with_hazards(statement, None, {}) for statement in planned.statements),
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
        server_version=version_of(wanted.target),
        differences=tuple(differences[:MOST_NAMED]),
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
    with places.filled(_original(target_text, wanted.target)) as shadow:
        shadow.populate(_populated(wanted.target))
        start = snapshot_of(shadow.database)
        same_prints = places.major == _major(wanted.target)
        if same_prints:
            _require_copy(start, wanted.target)
        source, source_text = _wanted_here(places, wanted.source, ends[0], program, control)
        trial = Trial(shadow, places.major, replace(wanted, source=source), start, sizes, program, control)
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
    with places.filled(_original(text, present)) as shadow:
        if places.major != _major(present):
            raise NoShadow(f"the shadow runs Postgres {places.major}, which prints definitions otherwise")
        shadow.populate(_populated(present))
        _require_copy(snapshot_of(shadow.database), present)
        with shadow.session() as session, control.on_stop(session.cancel):
            measuring = Measuring(session)
            for number, statement in enumerate(statements, 1):
                try:
                    run_measured(measuring, statement)
                except StatementFailed as error:
                    control.check()
                    return failed_proof(number, error, session)
        after = snapshot_of(shadow.database)
    same = schema_fingerprint(after) == expected
    differences = () if same else ("the outcome is not what the plan promises",)
    return Proof(
        state="proved" if same else "differs",
        server_version=version_of(after),
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
    with places.filled(_original(text, source)) as copy:
        own = program_for(program, places.major)
        return snapshot_of(copy.database), dump_schema(copy.database.url, own, check=control.check) if own else None


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
    with places.filled(_original(source_text, sides[1])) as copy:
        return other_steps(engine, shadow.database, copy.database, check=control.check)


def _require_copy(copy: Snapshot, original: Snapshot) -> None:
    """Raise NoShadow unless the copy is what the original is."""
    differences = named_differences(compare_schemas(original, copy))
    if differences:
        more = f" and {len(differences) - 3} more" if len(differences) > 3 else ""
        raise NoShadow(f"the shadow is not like the target: {'; '.join(differences[:3])}{more}")


def _populated(snapshot: Snapshot) -> list[tuple[str, str]]:
    return [ref[1:3] for ref, made in snapshot.objects.items() if ref.kind == "matview" and made.parts["populated"]]


def _major(snapshot: Snapshot) -> int:
    return snapshot.server_version_num // 10000


def _original(text: str, snapshot: Snapshot) -> Original:
    versions = {ref.name: made.parts["version"] for ref, made in snapshot.objects.items() if ref.kind == "extension"}
    columns = {ref[1:3] + (ref.sub,): made.parts for ref, made in snapshot.objects.items() if ref.kind == "column"}
    not_nulls = {
        place: found["name"] for place, parts in columns.items() if (found := parts.get("not_null_constraint"))
    }
    return Original(text=text, encoding=snapshot.encoding, extensions=versions, not_nulls=not_nulls)
