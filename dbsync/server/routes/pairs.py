"""What is asked of two databases: whether they fit, what would make them fit."""

from __future__ import annotations

from fastapi import APIRouter

from dbsync.server.auth import Caller
from dbsync.server.core import Core, SchemaReader, TheCore
from dbsync.server.faults import Fault
from dbsync.server.names import pattern_named
from dbsync.server.places import Place
from dbsync.server.shapes.findings import issue_named, validated
from dbsync.server.shapes.migration import fix_pattern, full_report, planned, quick_fix
from dbsync.server.wire.asked import AskedMigration, AskedValidation, Pair
from dbsync.server.wire.envelope import Reply, answers, ok
from dbsync.server.wire.syncs import MigrationReport, ValidationReport

router = APIRouter(prefix="/api/sync", tags=["sync"])


@router.post("/validate", **answers(Reply[ValidationReport]))
def validate(caller: SchemaReader, core: TheCore, body: AskedValidation) -> Reply[ValidationReport]:
    """Whether a sync is possible and safe; nothing is written."""
    source, target = both_ends(core, caller, body)
    _, report = validated(core.places, source, target, patterns_of(body))
    return ok(report)


@router.post("/generate-migration", **answers(Reply[MigrationReport]))
def generate_migration(caller: SchemaReader, core: TheCore, body: AskedMigration) -> Reply[MigrationReport]:
    """What makes one schema like the other, proved on a throw-away copy; or the fix of one finding."""
    source, target = both_ends(core, caller, body)
    if body.direction == "target_to_source":
        source, target = target, source
    patterns = patterns_of(body)
    issues, found = validated(core.places, source, target, patterns)
    if body.issue_id is None:
        return ok(full_report(planned(core.places, source, target, patterns), found))
    issue = issue_named(issues, body.issue_id)
    return ok(quick_fix(planned(core.places, source, target, fix_pattern(issue)), issue))


def both_ends(core: Core, caller: Caller, body: Pair) -> tuple[Place, Place]:
    """The two databases of a request. Raises Fault 400 for one and the same, 404 for one that is not known."""
    if body.source_connection_id == body.target_connection_id:
        raise Fault(400, "Source and target connections must be different")
    return (
        core.places.find(caller, body.source_connection_id, body.source_encrypted_url),
        core.places.guarded(core.places.find(caller, body.target_connection_id, body.target_encrypted_url)),
    )


def patterns_of(body: Pair) -> tuple[str, ...]:
    """The tables of a request as patterns, each of which means one table."""
    return tuple(map(pattern_named, body.chosen()))
