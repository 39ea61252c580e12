"""PURE: the options of a sync as JSON, and back: what the ledger keeps of a run, so that another can take it up."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, fields, is_dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from dbsync.data.options import SyncOptions
from dbsync.errors import Refused

# How it is done, not what is done: a run that is taken up may be given others.
FREE = frozenset({"jobs", "chunk_bytes", "max_rate", "on_locked", "on_drift", "lock_timeout_s", "full_compare"})


def to_record(options: SyncOptions) -> dict[str, Any]:
    """Return the options as JSON-safe data."""
    return asdict(options)


def from_record(record: Mapping[str, Any]) -> SyncOptions:
    """Return the options that ``to_record`` was given. Raises Refused for those of a newer dbsync."""
    hints = get_type_hints(SyncOptions)
    unknown = sorted(set(record) - set(hints))
    if unknown:
        raise Refused(
            f"the run was started by another version of dbsync, with options that this one does not know: {unknown[0]}",
            hint="use that version, or --restart",
        )
    return SyncOptions(**{name: _build(hints[name], value) for name, value in record.items()})


def contradictions(asked: SyncOptions, before: SyncOptions, typed: Collection[str] = ()) -> list[str]:
    """Name the options that were given now and say something else than those of the run to be taken up.

    An option that was left at its default says nothing, unless it is one of those that were ``typed``.
    """
    default = SyncOptions()
    return [
        field.name
        for field in fields(SyncOptions)
        if field.name not in FREE
        and (field.name in typed or getattr(asked, field.name) != getattr(default, field.name))
        and getattr(asked, field.name) != getattr(before, field.name)
    ]


def _build(hint: Any, value: Any) -> Any:
    """Turn JSON into the type that is asked for."""
    if value is None:
        return None
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _build(next(each for each in arguments if each is not type(None)), value)
    if origin is tuple:
        return tuple(_build(arguments[0], each) for each in value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: _build(arguments[1], each) for key, each in value.items()}
    if isinstance(hint, type) and is_dataclass(hint):
        return hint(**{name: _build(part, value[name]) for name, part in get_type_hints(hint).items()})
    return value
