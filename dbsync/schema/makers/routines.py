"""Functions, procedures, aggregates and languages: replaced in place where Postgres lets a replacement stand in.

A replacement keeps owner, rights and dependants. It may not change the result, the names of arguments that
have one, or take a default away; then the routine is dropped and made again.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from itertools import zip_longest
from typing import Any

from dbsync.pg.quoting import literal, name
from dbsync.schema.makers.addresses import address, operator_name
from dbsync.schema.objects import ROUTINES, Ref, SchemaObject, Snapshot
from dbsync.schema.steps import Alteration, Maker, Scene, Step

_NEVER_REPLACED = frozenset({"result", "window", "aggkind", "aggnumdirectargs"})
# What keeps results of a function and does not notice that it gives others now.
_KEEPERS = {"index": "index", "column": "generated column", "constraint": "check", "domain_constraint": "check",
            "matview": "matview"}  # fmt: skip
_SHARING = {"r": "READ_ONLY", "s": "SHAREABLE", "w": "READ_WRITE"}
_PARALLEL = {"s": "SAFE", "r": "RESTRICTED", "u": "UNSAFE"}


class _Routines:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(wanted.parts["definition"].rstrip(), wanted.ref, "create")]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(f"DROP {address(present)}", present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        if parts & _NEVER_REPLACED or not _may_stand_in(present, wanted) or _would_be_torn(wanted.ref, scene):
            return Alteration(rebuild=True)
        step = Step(wanted.parts["definition"].rstrip(), wanted.ref, "alter")
        return Alteration((step,), warnings=_stale_results(wanted.ref, scene.target))


def _may_stand_in(present: SchemaObject, wanted: SchemaObject) -> bool:
    """Whether the arguments are what CREATE OR REPLACE asks for."""
    if wanted.parts["defaults"] < present.parts["defaults"]:
        return False
    # What OUT arguments give back is the result's row type.
    if any((present.parts[key] or []) != (wanted.parts[key] or []) for key in ("argument_modes", "argument_types")):
        return False
    names = zip_longest(present.parts["argument_names"] or (), wanted.parts["argument_names"] or (), fillvalue="")
    return all(not old or old == new for old, new in names)


def _would_be_torn(ref: Ref, scene: Scene) -> bool:
    """Whether it goes from one overload to another: while both are there, a call may fit both."""
    wanted = {(other.schema, other.name) for other in scene.source.needs.get(ref, ()) if other.kind in ROUTINES}
    return any(
        other.kind in ROUTINES and (other.schema, other.name) in wanted and other not in scene.source.objects
        for other in scene.target.needs.get(ref, ())
    )


def _stale_results(ref: Ref, schema: Snapshot) -> tuple[str, ...]:
    kept = sorted(other for other, needed in schema.needs.items() if ref in needed and other.kind in _KEEPERS)
    return tuple(
        f"{other}{_what(other)} holds what {ref} gave before it changed; Postgres does not work it out anew"
        for other in kept
    )


def _what(ref: Ref) -> str:
    word = _KEEPERS[ref.kind]
    return "" if word == ref.kind else f" ({word})"


class _Aggregates:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(_aggregate("CREATE AGGREGATE", wanted), wanted.ref, "create")]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(f"DROP {address(present)}", present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        if parts & _NEVER_REPLACED or not _may_stand_in(present, wanted):
            return Alteration(rebuild=True)
        step = Step(_aggregate("CREATE OR REPLACE AGGREGATE", wanted), wanted.ref, "alter")
        return Alteration((step,), warnings=_stale_results(wanted.ref, scene.target))


def _aggregate(words: str, made: SchemaObject) -> str:
    parts = made.parts
    found = [f"SFUNC = {parts['sfunc']}", f"STYPE = {parts['stype']}"]
    if parts["aggtransspace"]:
        found.append(f"SSPACE = {parts['aggtransspace']}")
    found += _final(parts, "finalfunc", "aggfinalextra", "aggfinalmodify")
    for key in ("combinefunc", "serialfunc", "deserialfunc"):
        if parts[key]:
            found.append(f"{key.upper()} = {parts[key]}")
    if parts["agginitval"] is not None:
        found.append(f"INITCOND = {literal(parts['agginitval'])}")
    found += _moving(parts)
    if parts["sortop"]:
        schema, symbol = parts["sortop"]
        found.append(f"SORTOP = OPERATOR({operator_name(schema, symbol)})")
    if parts["proparallel"] != "u":
        found.append(f"PARALLEL = {_PARALLEL[parts['proparallel']]}")
    if parts["aggkind"] == "h":
        found.append("HYPOTHETICAL")
    return f"{words} {name(made.ref.schema, made.ref.name)}({parts['signature'] or '*'}) ({', '.join(found)})"


def _final(parts: Mapping[str, Any], key: str, extra: str, modify: str) -> list[str]:
    """A final function, whether it sees the arguments, and what it may do to the state where that is not usual."""
    if not parts[key]:
        return []
    usual = "r" if parts["aggkind"] == "n" else "w"
    found = [f"{key.upper()} = {parts[key]}"]
    if parts[extra]:
        found.append(f"{key.upper()}_EXTRA")
    if parts[modify] != usual:
        found.append(f"{key.upper()}_MODIFY = {_SHARING[parts[modify]]}")
    return found


def _moving(parts: Mapping[str, Any]) -> list[str]:
    """What an aggregate over a moving window has of its own."""
    if not parts["mstype"]:
        return []
    found = [f"MSFUNC = {parts['msfunc']}", f"MINVFUNC = {parts['minvfunc']}", f"MSTYPE = {parts['mstype']}"]
    if parts["aggmtransspace"]:
        found.append(f"MSSPACE = {parts['aggmtransspace']}")
    found += _final(parts, "mfinalfunc", "aggmfinalextra", "aggmfinalmodify")
    if parts["aggminitval"] is not None:
        found.append(f"MINITCOND = {literal(parts['aggminitval'])}")
    return found


class _Languages:
    def create(self, wanted: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(_language("CREATE", wanted), wanted.ref, "create")]

    def drop(self, present: SchemaObject, scene: Scene) -> list[Step]:
        return [Step(f"DROP {address(present)}", present.ref, "drop")]

    def alter(self, present: SchemaObject, wanted: SchemaObject, parts: Set[str], scene: Scene) -> Alteration:
        return Alteration((Step(_language("CREATE OR REPLACE", wanted), wanted.ref, "alter"),))


def _language(verb: str, made: SchemaObject) -> str:
    words = [verb, "TRUSTED" if made.parts["trusted"] else "", address(made)]
    words += [f"{key.upper()} {made.parts[key]}" for key in ("handler", "inline", "validator") if made.parts[key]]
    return " ".join(word for word in words if word)


MAKERS: dict[str, Maker] = {kind: _Routines() for kind in sorted(ROUTINES - {"aggregate"})}
MAKERS |= {"aggregate": _Aggregates(), "language": _Languages()}
