"""YAML read as data only, with the line of every key: unknown and doubled keys are errors, aliases are bounded.

Values are typed as ``yaml.safe_load`` types them. No message repeats a value, which may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from typing import Any

import yaml

from dbsync.errors import ConfigError

_MAX_BYTES = 1024 * 1024
_MAX_EVENTS = 20_000
_MAX_DEPTH = 16
_MAX_ALIASES = 200
_HALF = re.compile("[\ud800-\udfff]")  # half of a surrogate pair, which an escape can write and no encoding holds


class Section:
    """A mapping of the file: ask for values by key and type, then ``finish`` refuses what nobody asked for."""

    def __init__(self, file: str, path: str, node: yaml.MappingNode) -> None:
        self._file = file
        self._path = path
        self.line = node.start_mark.line + 1
        self._values: dict[str, yaml.Node] = {}
        self._lines: dict[str, int] = {}
        self._asked: set[str] = set()
        for key, value in node.value:
            name = _scalar(key)
            if not isinstance(name, str):
                raise self.error("a key is not a text; quote it", key)
            if name in self._values:
                raise self.error(f"{name!r} stands here twice", key)
            self._values[name] = value
            self._lines[name] = key.start_mark.line + 1

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def error(self, message: str, at: str | yaml.Node | None = None) -> ConfigError:
        """Return an error that names the file, the line and the place."""
        if isinstance(at, yaml.Node):
            line = at.start_mark.line + 1
        else:
            line = self._lines.get(at, self.line) if at is not None else self.line
        place = ".".join(part for part in (self._path, at if isinstance(at, str) else "") if part)
        return ConfigError(f"{self._file}, line {line}: {place + ': ' if place else ''}{message}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def line_of(self, key: str) -> int:
        """The line of a key."""
        return self._lines[key]

    def value(self, key: str) -> Any:
        """Return a scalar or a list of scalars as YAML types it; None when the key is absent."""
        node = self._take(key)
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(key, item) for item in node.value]
        return None if node is None else self._plain(key, node)

    def text(self, key: str) -> str | None:
        """Return a text; a number is taken as it is written."""
        node = self._take(key)
        return None if node is None else self._text(key, node)

    def integer(self, key: str) -> int | None:
        """Return a whole number."""
        value = self._typed(key, int, "a whole number")
        return int(value) if value is not None else None

    def flag(self, key: str) -> bool | None:
        """Return true or false."""
        value = self._typed(key, bool, "true or false")
        return bool(value) if value is not None else None

    def choice(self, key: str, choices: Iterable[str]) -> str | None:
        """Return one of the choices; ``off`` and ``on``, which YAML reads as booleans, may be among them."""
        node = self._take(key)
        if node is None:
            return None
        value = _scalar(node)
        if isinstance(value, bool):
            value = "on" if value else "off"
        if value not in (known := list(choices)):
            raise self.error("must be one of " + ", ".join(known), key)
        return str(value)

    def texts(self, key: str) -> tuple[str, ...] | None:
        """Return a list of texts."""
        node = self._take(key)
        if node is None:
            return None
        if not isinstance(node, yaml.SequenceNode):
            raise self.error("must be a list, such as [a, b]", key)
        return tuple(self._text(key, item) for item in node.value)

    def section(self, key: str) -> Section | None:
        """Return the mapping under a key."""
        node = self._take(key)
        if node is None or (isinstance(node, yaml.ScalarNode) and _scalar(node) is None):
            return None
        if not isinstance(node, yaml.MappingNode):
            raise self.error("must be a mapping of keys to values", key)
        return Section(self._file, f"{self._path}.{key}" if self._path else key, node)

    def each(self, key: str, read: Callable[[str, Section], Any]) -> dict[str, Any]:
        """Read every mapping under a key by its name: ``{name: read(name, section)}``."""
        parent = self.section(key)
        return {name: read(name, parent._named(name)) for name in parent} if parent is not None else {}

    def finish(self) -> None:
        """Raise ConfigError for the first key that was never asked for."""
        for name in self._values:
            if name not in self._asked:
                near = get_close_matches(name, self._asked, n=1)
                known = ", ".join(sorted(self._asked))
                error = self.error("is not a known key", name)
                error.hint = f"did you mean {near[0]}?" if near else f"known here: {known}"
                raise error

    def _named(self, name: str) -> Section:
        found = self.section(name)
        if found is None:
            raise self.error("is empty", name)
        return found

    def _take(self, key: str) -> yaml.Node | None:
        self._asked.add(key)
        return self._values.get(key)

    def _plain(self, key: str, node: yaml.Node) -> Any:
        value = _scalar(node)
        if not isinstance(value, str | int | float):
            raise self.error("must be a text, a number, true or false", key)
        return value

    def _text(self, key: str, node: yaml.Node) -> str:
        value = _scalar(node)
        if isinstance(value, str):
            return value
        if isinstance(node, yaml.ScalarNode) and isinstance(value, int | float) and not isinstance(value, bool):
            return str(node.value)
        raise self.error("must be a text; quote it", key)

    def _typed(self, key: str, kind: type, what: str) -> Any:
        node = self._take(key)
        if node is None:
            return None
        value = _scalar(node)
        if type(value) is not kind:
            raise self.error(f"must be {what}", key)
        return value


def read_yaml(data: bytes, file: str) -> Section:
    """Parse a file's bytes to its top section; an empty file is an empty section."""
    if len(data) > _MAX_BYTES:
        raise ConfigError(f"{file} is larger than 1 MiB")
    try:
        text = data.decode("utf-8-sig")
        _check_events(text, file)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        raise ConfigError(f"{file}{place}: this is not YAML", hint="quote values with special characters") from None
    except (ValueError, OverflowError):  # the library's chr()
        raise ConfigError(f"{file}: an escape names no character; the last is \\U0010FFFF") from None
    if node is None or (isinstance(node, yaml.ScalarNode) and _scalar(node) is None):
        start = yaml.Mark(file, 0, 0, 0, "", 0)
        node = yaml.MappingNode("tag:yaml.org,2002:map", [], start, start)
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(f"{file}: must be a mapping of keys to values")
    return Section(file, "", node)


def _check_events(text: str, file: str) -> None:
    """Refuse what would take long to expand, by looking at events only, and texts that could not be written."""
    depth = aliases = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        aliases += isinstance(event, yaml.AliasEvent)
        if depth > _MAX_DEPTH or aliases > _MAX_ALIASES or count > _MAX_EVENTS:
            raise ConfigError(f"{file}: too deep, too long or too many aliases for a config file")
        if isinstance(event, yaml.ScalarEvent) and _HALF.search(event.value):
            place = f", line {event.start_mark.line + 1}" if event.start_mark is not None else ""
            hint = r'write the character itself, or one escape for the whole of it: "\U0001F600"'
            raise ConfigError(f"{file}{place}: a text holds half of a character, such as \\ud800", hint=hint)


def _scalar(node: yaml.Node) -> Any:
    """Return a scalar as safe_load types it; the node itself where it is no scalar or has a foreign tag."""
    if not isinstance(node, yaml.ScalarNode):
        return node
    constructor = yaml.constructor.SafeConstructor()
    try:
        return constructor.construct_object(node)
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, OverflowError):
        return node  # also what the library stumbles over: !!bool maybe, !!timestamp foo, !!int ""
