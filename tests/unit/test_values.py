"""dbsync.values.dataclass does what the standard library's does, for all that this package asks of it."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, field, fields, is_dataclass, replace
from typing import Any, ClassVar

import pytest

from dbsync import values
from dbsync.events import TableStarted
from dbsync.model import TableName


class _Described:
    kind: ClassVar[str] = "described"

    def describe(self) -> str:
        return type(self).__qualname__


def _plain(dataclass: Callable[..., Any]) -> Any:
    @dataclass(frozen=True, slots=True)
    class Plain(_Described):
        a: int
        b: str = "b"
        c: tuple[int, ...] = field(default=(), repr=False, compare=False)
        total: ClassVar[int] = 3

    return Plain


def _named(dataclass: Callable[..., Any]) -> Any:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Base:
        kind: ClassVar[str] = "base"
        label: str | None = None

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Named(Base):
        kind: ClassVar[str] = "named"
        a: int
        b: list[int] = field(default_factory=list)
        label: str | None = "other"

    return Named


def _changing(dataclass: Callable[..., Any]) -> Any:
    @dataclass(slots=True)
    class Changing:
        a: int
        b: dict[str, int] = field(default_factory=dict)
        seen: int = field(default=0, init=False)
        made: list[int] = field(default_factory=list, init=False)

        def __post_init__(self) -> None:
            self.made.append(self.a)

    return Changing


def _ordered(dataclass: Callable[..., Any]) -> Any:
    @dataclass(frozen=True, slots=True, order=True)
    class Ordered:
        a: int
        b: str

    return Ordered


def _itself(dataclass: Callable[..., Any]) -> Any:
    @dataclass(slots=True, eq=False)
    class Itself:
        a: int

        def __repr__(self) -> str:
            return "itself"

    return Itself


def _own_equality(dataclass: Callable[..., Any]) -> Any:
    @dataclass(frozen=True, slots=True)
    class Own:
        a: int
        b: int

        def __eq__(self, other: object) -> bool:
            return type(other) is type(self) and getattr(other, "a", None) == self.a

    return Own


CALLS: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = [
    (_plain, (1,), {}),
    (_plain, (1, "x", (2,)), {}),
    (_plain, (), {"b": "y", "a": 2}),
    (_plain, (), {}),
    (_plain, (1, 2, 3, 4), {}),
    (_plain, (1,), {"d": 1}),
    (_named, (), {"a": 1}),
    (_named, (), {"a": 1, "b": [3], "label": None}),
    (_named, (1,), {}),
    (_changing, (1,), {}),
    (_changing, (1, {"x": 2}), {}),
    (_changing, (1,), {"seen": 2}),
    (_ordered, (1, "a"), {}),
    (_ordered, (float("nan"), "a"), {}),
    (_itself, (1,), {}),
    (_own_equality, (1, 2), {}),
]


def _facts(cls: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
    """All that can be told of a class and of what a call of it gives."""
    facts: list[Any] = [cls.__qualname__, cls.__module__, cls.__match_args__, cls.__slots__, cls.__doc__ is None]
    try:
        first, second = cls(*arguments, **named), cls(*arguments, **named)
    except TypeError as error:
        return [*facts, str(error)]
    facts += [repr(first), first == second, first != second, first == 1, asdict(first)]
    facts += [(each.name, each.type, each.kw_only, each.init, each.repr, each.compare) for each in fields(cls)]
    facts += [is_dataclass(cls), is_dataclass(first), repr(replace(first, a=7)), first == replace(first, a=7)]
    facts += [repr(copy.copy(first)), repr(copy.deepcopy(first)), hasattr(first, "__dict__")]
    for attempt in (hash, lambda it: setattr(it, "a", 9), lambda it: delattr(it, "a"), lambda it: setattr(it, "z", 9)):
        try:
            facts.append(attempt(first) if attempt is not hash or cls.__hash__ is not object.__hash__ else "by place")
        except (TypeError, AttributeError) as error:
            facts.append("refused" if isinstance(error, (FrozenInstanceError, TypeError)) else type(error))
    for compare in ("__lt__", "__le__", "__gt__", "__ge__"):
        facts.append(getattr(first, compare)(second))
    return facts


@pytest.mark.parametrize(("make", "arguments", "named"), CALLS)
def test_a_class_is_what_the_standard_library_makes_of_it(
    make: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    ours, theirs = make(values._dataclass), make(dataclasses.dataclass)
    if theirs.__doc__ is not None and ours.__doc__ is None:
        theirs.__doc__ = None  # the standard library writes the signature there
    assert _facts(ours, arguments, named) == _facts(theirs, arguments, named)


def test_nothing_is_compiled_before_it_is_called() -> None:
    made = _plain(values._dataclass)
    lazy = made.__init__.__code__
    assert made(1) == made(1)
    assert made.__init__.__code__ is not lazy
    assert made.__repr__.__code__.co_name == "method"


def test_what_is_frozen_can_be_pickled_and_matched() -> None:
    name = TableName("app", "shop")
    assert pickle.loads(pickle.dumps(name)) == name
    match TableStarted(table=name, rows=1, bytes=2):
        case TableStarted(table=TableName("app", second)):
            assert second == "shop"
        case _:
            pytest.fail("no match")


def test_a_default_that_would_be_shared_is_refused() -> None:
    with pytest.raises(ValueError, match="mutable default"):

        @values._dataclass(slots=True)
        class Shared:
            a: list[int] = []  # noqa: RUF008,RUF012
