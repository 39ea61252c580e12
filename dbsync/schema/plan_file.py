"""PURE: plan files: a migration plan as JSON, and back, refusing whatever was not written here.

Two digests stand in a file. ``hash`` names the statements: it is the same for every plan that runs the same.
``seal`` covers all of the file, so that an edited one is not run as if it had been proved. No secret is in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar

from dbsync.errors import ConfigError, StalePlan
from dbsync.schema.objects import Ref
from dbsync.schema.plan import End, Hazard, MigrationPlan, Proof, Statement, Unplanned
from dbsync.schema.steps import Check
from dbsync.schema.uncompared import Uncompared

T = TypeVar("T")

KIND = "dbsync migration plan"
FORMAT_VERSION = 1
BAD_PLAN = "BAD_PLAN"
AGAIN = "make a new one: dbsync migrate plan SOURCE TARGET -o plan.json"
_HEAD = ("kind", "format_version", "dbsync_version", "created_at", "hash", "seal")
_ACTIONS = ("create", "alter", "drop")
_STATES = ("proved", "differs", "failed", "not run")


def to_document(plan: MigrationPlan, *, created_at: str, dbsync_version: str) -> dict[str, Any]:
    """Return the plan as JSON-safe values; ``created_at`` is the moment as ISO 8601."""
    document: dict[str, Any] = {
        "kind": KIND,
        "format_version": FORMAT_VERSION,
        "dbsync_version": dbsync_version,
        "created_at": created_at,
        "hash": plan_hash(plan),
        "source": asdict(plan.source),
        "target": asdict(plan.target),
        "expected": plan.expected,
        "engine": plan.engine,
        "options": dict(plan.options),
        "statements": [_statement(one) for one in plan.statements],
        "undo": [_statement(one) for one in plan.undo],
        "unplanned": [
            {"object": _object(one.ref), "parts": list(one.parts), "reason": one.reason} for one in plan.unplanned
        ],
        "not_compared": [asdict(one) for one in plan.not_compared],
        "warnings": list(plan.warnings),
        "proof": _proof(plan.proof),
        "undo_proof": _proof(plan.undo_proof),
    }
    document = json.loads(json.dumps(document))  # what a reader will see: tuples are lists
    return document | {"seal": _digest(document)}


def to_text(plan: MigrationPlan, *, created_at: str, dbsync_version: str) -> str:
    """Return the file's text."""
    document = to_document(plan, created_at=created_at, dbsync_version=dbsync_version)
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def plan_hash(plan: MigrationPlan) -> str:
    """Return what names the statements of a plan, as they are run."""
    return _digest([[one.sql, one.transactional, one.group] for one in plan.statements])


def read_plan(text: str, name: str) -> MigrationPlan:
    """Read what ``to_text`` wrote; ``name`` is the file's, for messages.

    Raises ConfigError for what is no plan of this version, StalePlan for one that was edited.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unreadable(name, f"it is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise _unreadable(name, "dbsync migrate plan did not write it")
    if document.get("format_version") != FORMAT_VERSION:
        said = f"its format version is {document.get('format_version')!r}, this dbsync reads {FORMAT_VERSION}"
        raise _unreadable(name, said)
    try:
        plan = _plan(document)
    except _Odd as odd:
        raise _unreadable(name, str(odd)) from None
    sealed = {key: value for key, value in document.items() if key != "seal"}
    if document["seal"] != _digest(sealed) or document["hash"] != plan_hash(plan):
        raise StalePlan(f"{name!r} was edited after the plan was made, so that its proof says nothing", hint=AGAIN)
    return plan


class _Odd(Exception):
    """What is wrong with a document, in words."""


def _statement(one: Statement) -> dict[str, Any]:
    return {
        "sql": one.sql,
        "object": _object(one.ref),
        "action": one.action,
        "transactional": one.transactional,
        "group": one.group,
        "timeout_ms": one.timeout_ms,
        "lock_timeout_ms": one.lock_timeout_ms,
        "destroys": one.destroys,
        "hazards": [asdict(hazard) for hazard in one.hazards],
        "checks": [asdict(check) for check in one.checks],
    }


def _object(ref: Ref) -> dict[str, str]:
    return {**ref._asdict(), "text": str(ref)}


def _proof(proof: Proof) -> dict[str, Any]:
    return asdict(proof)


def _digest(value: Any) -> str:
    # ASCII, so that lone surrogates and the like have one spelling.
    text = json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()


# Reading: every member must be there, none may be added, each has its type.


def _plan(document: Mapping[str, Any]) -> MigrationPlan:
    known = {*_HEAD, *(field.name for field in fields(MigrationPlan))}
    _same_keys(document, known, "the plan")
    for member in ("dbsync_version", "created_at", "hash", "seal"):
        _typed(document, member, str, "the plan")
    return MigrationPlan(
        source=_record(End, document["source"], "source"),
        target=_record(End, document["target"], "target"),
        expected=_optional(document, "expected", str, "the plan"),
        engine=_typed(document, "engine", str, "the plan"),
        options=_typed(document, "options", dict, "the plan"),
        statements=_each(document, "statements", _read_statement),
        undo=_each(document, "undo", _read_statement),
        unplanned=_each(document, "unplanned", _read_unplanned),
        not_compared=_each(document, "not_compared", _read_uncompared),
        warnings=_texts(document, "warnings", "the plan"),
        proof=_read_proof(document["proof"], "proof"),
        undo_proof=_read_proof(document["undo_proof"], "undo_proof"),
    )


def _read_statement(value: Any, place: str) -> Statement:
    _same_keys(value, {"object", *(field.name for field in fields(Statement))} - {"ref"}, place)
    if value["action"] not in _ACTIONS:
        raise _Odd(f"the action of {place} is none of {', '.join(_ACTIONS)}")
    return Statement(
        sql=_typed(value, "sql", str, place),
        ref=_read_object(value["object"], place),
        action=value["action"],
        transactional=_typed(value, "transactional", bool, place),
        group=_typed(value, "group", int, place),
        timeout_ms=_typed(value, "timeout_ms", int, place),
        lock_timeout_ms=_typed(value, "lock_timeout_ms", int, place),
        destroys=_optional(value, "destroys", str, place),
        hazards=_each(value, "hazards", lambda one, where: _record(Hazard, one, where), place),
        checks=_each(value, "checks", lambda one, where: _record(Check, one, where), place),
    )


def _read_unplanned(value: Any, place: str) -> Unplanned:
    _same_keys(value, {"object", "parts", "reason"}, place)
    return Unplanned(
        ref=_read_object(value["object"], place),
        parts=_texts(value, "parts", place),
        reason=_typed(value, "reason", str, place),
    )


def _read_uncompared(value: Any, place: str) -> Uncompared:
    _same_keys(value, {field.name for field in fields(Uncompared)}, place)
    return Uncompared(
        kind=_typed(value, "kind", str, place),
        count=_typed(value, "count", int, place),
        reason=_typed(value, "reason", str, place),
        objects=_texts(value, "objects", place),
    )


def _read_object(value: Any, place: str) -> Ref:
    _same_keys(value, {*Ref._fields, "text"}, f"the object of {place}")
    return Ref(*(_typed(value, name, str, place) for name in Ref._fields))


def _read_proof(value: Any, place: str) -> Proof:
    _same_keys(value, {field.name for field in fields(Proof)}, place)
    if value["state"] not in _STATES:
        raise _Odd(f"the state of {place} is none of {', '.join(_STATES)}")
    return Proof(
        state=value["state"],
        server_version=_optional(value, "server_version", str, place),
        differences=_texts(value, "differences", place),
        judges=_texts(value, "judges", place),
        failed_at=_optional(value, "failed_at", int, place),
        reason=_optional(value, "reason", str, place),
    )


def _record(kind: type[T], value: Any, place: str) -> T:
    """Read a value whose members are texts, numbers and truths, as the dataclass declares them."""
    declared = {field.name: str(field.type) for field in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    _same_keys(value, set(declared), place)
    found: dict[str, Any] = {}
    for name, said in declared.items():
        plain = {"str": str, "bool": bool, "int": int}[said.removesuffix(" | None")]
        found[name] = (_optional if said.endswith("| None") else _typed)(value, name, plain, place)
    return kind(**found)


def _same_keys(value: Any, known: Iterable[str], place: str) -> None:
    if not isinstance(value, dict):
        raise _Odd(f"{place} is no object")
    if missing := sorted(set(known) - value.keys()):
        raise _Odd(f"{place} has no {missing[0]!r}")
    if extra := sorted(value.keys() - set(known)):
        raise _Odd(f"{place} has a member {extra[0]!r} that is not known")


def _typed(value: Mapping[str, Any], member: str, kind: type[T], place: str) -> T:
    found = value[member]
    if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
        raise _Odd(f"{member!r} of {place} is not of the type {kind.__name__}")
    return found


def _optional(value: Mapping[str, Any], member: str, kind: type[T], place: str) -> T | None:
    return None if value[member] is None else _typed(value, member, kind, place)


def _texts(value: Mapping[str, Any], member: str, place: str) -> tuple[str, ...]:
    found = _typed(value, member, list, place)
    if not all(isinstance(one, str) for one in found):
        raise _Odd(f"{member!r} of {place} holds something else than texts")
    return tuple(found)


def _each(value: Mapping[str, Any], member: str, read: Callable[[Any, str], T], place: str = "") -> tuple[T, ...]:
    where = f"{place}: {member}" if place else member
    return tuple(
        read(one, f"{where} {number}") for number, one in enumerate(_typed(value, member, list, place or "the plan"), 1)
    )


def _unreadable(name: str, why: str) -> ConfigError:
    return ConfigError(f"{name!r} is not a plan that can be run: {why}", code=BAD_PLAN, hint=AGAIN)
