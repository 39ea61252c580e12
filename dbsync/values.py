"""``dataclass`` as the standard library has it, for the classes of this package, made in a tenth of the time.

The standard library writes six functions of each class as text and compiles them, which took a tenth of a second of the
start of a sync. Here each is compiled when it is first called, and most never are. Type checkers see the original.
Always with ``slots``; no InitVar.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

_FIELDS = "__dataclass_fields__"  # where the standard library looks for them
_MISSING = dataclasses.MISSING
_OWN = "_dbsync_fields"


class _Field:
    """One field: what ``field()`` said of it or its plain default, and whether it is given by name only."""

    __slots__ = ("default", "declared", "factory", "kw_only", "name", "type")

    def __init__(self, name: str, annotation: Any, given: Any, kw_only: bool) -> None:
        self.name, self.type, self.kw_only = name, annotation, kw_only
        self.declared: dataclasses.Field[Any] | None = given if isinstance(given, dataclasses.Field) else None
        self.default = given if self.declared is None else self.declared.default
        self.factory = _MISSING if self.declared is None else self.declared.default_factory
        if self.default.__class__.__hash__ is None:
            raise ValueError(f"mutable default for field {name}: use default_factory")

    @property
    def is_given(self) -> bool:
        return self.declared is None or self.declared.init

    @property
    def is_compared(self) -> bool:
        return self.declared is None or self.declared.compare

    def for_others(self) -> dataclasses.Field[Any]:
        """The field as the standard library knows it."""
        field: Any = self.declared or dataclasses.field(default=self.default)
        field.name, field.type, field.kw_only = self.name, self.type, self.kw_only
        field._field_type = _kind_of_fields()
        made: dataclasses.Field[Any] = field
        return made


@cache
def _kind_of_fields() -> Any:
    """How the standard library marks what is a field, and neither a class variable nor an InitVar."""
    (field,) = dataclasses.fields(dataclasses.make_dataclass("Sample", ["field"]))
    return field._field_type  # type: ignore[attr-defined]


class _LazyFields:
    """``__dataclass_fields__``, made when the standard library's ``replace``, ``asdict`` or ``fields`` asks."""

    __slots__ = ("_cls",)

    def __init__(self, cls: type) -> None:
        self._cls = cls

    def __get__(self, instance: object, owner: type) -> Any:
        fields = {each.name: each.for_others() for each in _fields_of(self._cls)}
        setattr(self._cls, _FIELDS, fields)
        return fields


def _dataclass(
    cls: type | None = None,
    /,
    *,
    frozen: bool = False,
    slots: bool = False,
    kw_only: bool = False,
    eq: bool = True,
    order: bool = False,
) -> Any:
    """See ``dataclasses.dataclass``."""
    if not slots:
        raise TypeError("a dataclass here has slots=True")

    def wrap(cls: type) -> type:
        return _made(cls, frozen=frozen, kw_only=kw_only, eq=eq, order=order)

    return wrap if cls is None else wrap(cls)


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    dataclass = _dataclass


def _made(cls: type, *, frozen: bool, kw_only: bool, eq: bool, order: bool) -> type:
    body = {name: value for name, value in cls.__dict__.items() if name not in ("__dict__", "__weakref__")}
    fields: dict[str, _Field] = {}
    for base in cls.__mro__[-1:0:-1]:
        fields |= base.__dict__.get(_OWN, {})
    own = [name for name, text in cls.__annotations__.items() if not _is_class_variable(text)]
    inherited = fields.keys() & own
    for name in own:
        fields[name] = _Field(name, cls.__annotations__[name], body.pop(name, _MISSING), kw_only)
    methods: dict[str, Callable[[type], Callable[..., Any]]] = {"__init__": _init_of(frozen), "__repr__": _repr_of}
    if eq:
        methods["__eq__"] = _eq_of
        if body.get("__hash__") is None:  # a class that only says what is equal has None
            body["__hash__"] = None
            methods |= {"__hash__": _hash_of} if frozen else {}
    if order:
        methods |= {f"__{name}__": _order_of(name) for name in ("lt", "le", "gt", "ge")}
    body |= {_OWN: fields, "__slots__": tuple(name for name in own if name not in inherited)}
    body.setdefault("__match_args__", tuple(e.name for e in fields.values() if e.is_given and not e.kw_only))
    made: type = type(cls)(cls.__name__, cls.__bases__, body)
    made.__qualname__ = cls.__qualname__
    setattr(made, _FIELDS, _LazyFields(made))
    for name, make in methods.items():
        if body.get(name) is None:
            setattr(made, name, _until_called(made, name, make))
    for name, method in _FROZEN.items() if frozen else ():
        setattr(made, name, method)
    return made


def _is_class_variable(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return annotation.removeprefix("typing.").startswith("ClassVar")
    return annotation is ClassVar or getattr(annotation, "__origin__", None) is ClassVar


def _until_called(cls: type, name: str, make: Callable[[type], Callable[..., Any]]) -> Callable[..., Any]:
    """A method that puts the real one in its place when it is called for the first time."""

    def method(self: Any, *arguments: Any, **named: Any) -> Any:
        real = make(cls)
        real.__name__, real.__qualname__ = name, f"{cls.__qualname__}.{name}"
        setattr(cls, name, real)
        return real(self, *arguments, **named)

    method.__name__, method.__qualname__ = name, f"{cls.__qualname__}.{name}"
    return method


def _fields_of(cls: type) -> list[_Field]:
    return list(getattr(cls, _OWN).values())


def _compiled(cls: type, text: str, known: dict[str, Any]) -> Callable[..., Any]:
    known["__name__"] = cls.__module__
    exec(compile(text, f"<dataclass {cls.__qualname__}>", "exec"), known)
    made: Callable[..., Any] = known["made"]
    return made


def _init_of(frozen: bool) -> Callable[[type], Callable[..., Any]]:
    def make(cls: type) -> Callable[..., Any]:
        known: dict[str, Any] = {"_set": object.__setattr__, "_missing": _MISSING}
        by_place: list[str] = []
        by_name: list[str] = []
        body: list[str] = []
        for each in _fields_of(cls):
            name, value, parameter = each.name, each.name, each.name
            if each.factory is not _MISSING:
                known[f"_made_{name}"] = each.factory
                value = f"_made_{name}() if {name} is _missing else {name}" if each.is_given else f"_made_{name}()"
                parameter = f"{name}=_missing"
            elif each.default is not _MISSING:
                known[f"_default_{name}"] = each.default
                value = name if each.is_given else f"_default_{name}"
                parameter = f"{name}=_default_{name}"
            if each.is_given:
                (by_name if each.kw_only else by_place).append(parameter)
            body.append(f" _set(self, {name!r}, {value})" if frozen else f" self.{name} = {value}")
        if hasattr(cls, "__post_init__"):
            body.append(" self.__post_init__()")
        parameters = ", ".join(["self", *by_place, *(["*", *by_name] if by_name else [])])
        return _compiled(cls, f"def made({parameters}):\n" + "\n".join(body or [" pass"]), known)

    return make


def _compared(cls: type, who: str) -> str:
    """A tuple of what counts when two are compared, as Python text."""
    return "(" + "".join(f"{who}.{each.name}, " for each in _fields_of(cls) if each.is_compared) + ")"


def _eq_of(cls: type) -> Callable[..., Any]:
    return _compare_of(cls, "==")


def _order_of(name: str) -> Callable[[type], Callable[..., Any]]:
    sign = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}[name]
    return lambda cls: _compare_of(cls, sign)


def _compare_of(cls: type, sign: str) -> Callable[..., Any]:
    mine, theirs = _compared(cls, "self"), _compared(cls, "other")
    return _compiled(
        cls,
        "def made(self, other):\n if other.__class__ is not self.__class__:\n  return NotImplemented\n"
        f" return {mine} {sign} {theirs}",
        {},
    )


def _hash_of(cls: type) -> Callable[..., Any]:
    return _compiled(cls, f"def made(self):\n return hash({_compared(cls, 'self')})", {})


def _repr_of(cls: type) -> Callable[..., Any]:
    shown = [each.name for each in _fields_of(cls) if each.declared is None or each.declared.repr]

    def made(self: Any) -> str:
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{self.__class__.__qualname__}({inside})"

    return made


def _refuse_set(self: Any, name: str, value: Any) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_delete(self: Any, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, each.name) for each in _fields_of(type(self))]


def _restore(self: Any, state: list[Any]) -> None:
    for each, value in zip(_fields_of(type(self)), state, strict=True):
        object.__setattr__(self, each.name, value)


_FROZEN: Mapping[str, Callable[..., Any]] = {
    "__setattr__": _refuse_set,
    "__delattr__": _refuse_delete,
    "__getstate__": _state,
    "__setstate__": _restore,
}
