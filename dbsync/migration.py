"""The services behind ``migrate plan`` and ``migrate verify``: what to run, proved before anything is touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from dbsync.control import Control
from dbsync.engines import OTHER_ENGINES, EngineFailed
from dbsync.errors import ConfigError, Refused
from dbsync.events import Emit, silent
from dbsync.pg.database import Database, Session
from dbsync.pg.identity import ensure_distinct
from dbsync.pg.measure import TableSize, sizes
from dbsync.proof import planned_only, prove_again, same_already, try_out
from dbsync.proof_trial import Tried, Wanted
from dbsync.schema.choice import Choice
from dbsync.schema.diff import schema_fingerprint
from dbsync.schema.objects import Snapshot
from dbsync.schema.plan import End, MigrationPlan, Proof
from dbsync.schema.snapshot import take_snapshot
from dbsync.schema_diff import Opened, Side, compare_snapshots, describe_side, open_sides, take_both
from dbsync.shadow import NoShadow, shadows
from dbsync.urls import DatabaseUrl

Engine = Literal["own", "migra", "results", "auto"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationOptions:
    """How to plan. ``shadow``: None for an embedded server, "target" for the target's own, or a server's URL."""

    choice: Choice = Choice()
    renames: tuple[tuple[str, str], ...] = ()
    online: bool = False
    shadow: str | DatabaseUrl | None = None
    proof: bool = True
    engine: Engine = "own"

    @property
    def whole(self) -> bool:
        """Whether the whole schema is planned in the plain way: other engines know no other."""
        return not (self.renames or self.online) and self.choice == Choice()

    def record(self) -> Mapping[str, Any]:
        """The options as a plan file keeps them."""
        return {
            "tables": list(self.choice.tables), "exclude": list(self.choice.exclude),
            "schemas": list(self.choice.schemas), "ignore": sorted(self.choice.ignore),
            "renames": [list(pair) for pair in self.renames], "online": self.online,
        }  # fmt: skip


def make_plan(
    source: Side,
    target: Database,
    options: MigrationOptions,
    *,
    emit: Emit = silent,
    control: Control | None = None,
    warn: Callable[[str], None] = lambda warning: None,
    opened: Opened = lambda source, target: None,
) -> MigrationPlan:
    """Plan what makes the target's schema like the source's, and prove it on a shadow. Writes nothing.

    Raises ConfigError for names that mean nothing, and for renames where no shadow can be made.
    """
    control = control or Control()
    if options.engine in OTHER_ENGINES and not (options.whole and options.proof):
        raise ConfigError(f"{options.engine} plans whole schemas, on a shadow", hint="leave the other options out")
    with open_sides(source, target, control=control, warn=warn) as (left, right):
        if isinstance(source, Database):
            for warning in ensure_distinct(left, right):
                warn(warning)
        ends = describe_side(source, left), describe_side(target, right)
        opened(*ends)
        snapshots = take_both(left, right)
        wanted = Wanted(
            source=snapshots[0],
            target=snapshots[1],
            choice=options.choice,
            renames=options.renames,
            online=options.online,
        )
        control.check()
        tables = [(ref.schema, ref.name) for ref in snapshots[1].objects if ref.kind in ("table", "matview")]
        engine, tried = _by_engine(wanted, (left, right), sizes(right, tables), options, control, warn)
        control.check()
    return MigrationPlan(
        source=_end(ends[0], snapshots[0]),
        target=_end(ends[1], snapshots[1]),
        expected=tried.expected,
        options=options.record(),
        statements=tried.statements,
        undo=tried.undo,
        unplanned=tried.unplanned,
        not_compared=compare_snapshots(*snapshots, options.choice).not_compared,
        warnings=tried.warnings,
        proof=tried.proof,
        undo_proof=tried.undo_proof,
        engine=engine,
    )


def _by_engine(
    wanted: Wanted,
    ends: tuple[Session, Session],
    weights: Mapping[tuple[str, str], TableSize],
    options: MigrationOptions,
    control: Control,
    warn: Callable[[str], None],
) -> tuple[str, Tried]:
    """Plan with the engine of the options; "auto" takes our own, else the first other one whose plan is proved."""
    if options.engine in OTHER_ENGINES:
        return options.engine, _tried(replace(wanted, engine=options.engine), ends, weights, options, control)
    own = _tried(wanted, ends, weights, options, control)
    if options.engine == "own" or own.proof.state in ("proved", "not run") or not options.whole:
        return "own", own
    for engine in OTHER_ENGINES:
        try:
            other = _tried(replace(wanted, engine=engine), ends, weights, options, control)
        except (ConfigError, EngineFailed, Refused) as error:
            warn(f"{engine} was not tried: {error.message}")
            continue
        if other.proof.state == "proved":
            return engine, other
    return "own", own


def _tried(
    wanted: Wanted,
    ends: tuple[Session, Session],
    weights: Mapping[tuple[str, str], TableSize],
    options: MigrationOptions,
    control: Control,
) -> Tried:
    if not options.proof:
        return planned_only(wanted, "--no-proof was given")
    same = same_already(wanted, ends, control=control)
    if same is not None:
        return same
    try:
        with shadows(ends[1], where=options.shadow, control=control) as places:
            return try_out(places, wanted, ends, weights, control=control)
    except NoShadow as error:
        if wanted.engine != "own":
            raise ConfigError(f"{wanted.engine} plans on a shadow: {error}", code="NO_SHADOW") from error
        return planned_only(wanted, str(error))


def verify_plan(
    plan: MigrationPlan,
    target: Database,
    *,
    shadow: str | DatabaseUrl | None = None,
    control: Control | None = None,
    warn: Callable[[str], None] = lambda warning: None,
    opened: Callable[[Mapping[str, Any]], None] = lambda target: None,
) -> Proof:
    """Run a written plan on a fresh shadow of the target and compare with what it promises. Writes nothing."""
    control = control or Control()
    session = target.connect(application_name="dbsync migrate verify", check=control.check)
    try:
        for warning in session.warnings:
            warn(warning)
        opened(describe_side(target, session))
        present = take_snapshot(session)
        if schema_fingerprint(present) != plan.target.fingerprint:
            raise stale(plan)
        if plan.expected is None:
            raise ConfigError("this plan does not say what it leads to", hint="plan again, with a proof")
        try:
            with shadows(session, where=shadow, control=control) as places:
                return prove_again(places, session, present, plan.statements, plan.expected, control=control)
        except NoShadow as error:
            return Proof(state="not run", reason=str(error))
    finally:
        session.close()


def stale(plan: MigrationPlan) -> Refused:
    """The refusal of a plan whose target is not what it was."""
    return Refused(
        f"the schema of {plan.target.database} is not what it was when the plan was made",
        code="STALE_PLAN",
        hint="look at what changed with dbsync diff, then plan again",
    )


def _end(described: Mapping[str, Any], snapshot: Snapshot) -> End:
    return End(
        name=described["name"],
        database=described["database"],
        server_version=described["server_version"],
        fingerprint=schema_fingerprint(snapshot),
    )
