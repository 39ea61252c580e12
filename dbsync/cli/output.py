"""From an answer to bytes: the JSON envelope, the formats, and files written at once or not at all."""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dbsync.cli.options import Format
from dbsync.errors import ConfigError, DbsyncError
from dbsync.model import TableName

# C1 controls, bidi and other invisible marks, separators, lone surrogates; JSON itself escapes below U+0020.
_DELETE = "\x7f"
_UNSEEN = re.compile(
    "[\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
Rendering = Callable[[], str | Iterable[str]]
_unfinished: set[str] = set()  # temporary files that are being written


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command found or did. ``error`` is for a run that has both a result and a failure."""

    result: Any  # JSON-safe; TableName is written as text
    render: Mapping[Format, Rendering] = field(default_factory=dict)  # all but json, which is made from result
    exit_code: int = 0
    not_compared: Sequence[Mapping[str, Any]] = ()
    error: DbsyncError | None = None
    hushed: bool = False  # --quiet silences its text also when the answer is negative
    # What a file named without a format gets by its name's suffix, unless --format says the same word.
    by_suffix: Mapping[str, Rendering] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Report:
    """The envelope's facts beside the answer, gathered while a command runs."""

    command: str = "error"
    source: Mapping[str, Any] | None = None
    target: Mapping[str, Any] | None = None
    two_ended: bool = False  # commands with one database have no "target"
    warnings: list[str] = field(default_factory=list)

    def envelope(
        self,
        *,
        exit_code: int,
        elapsed_s: float,
        redact: Callable[[str], str],
        answer: Answer | None = None,
        error: DbsyncError | None = None,
    ) -> dict[str, Any]:
        """Return the JSON document of a command that ended so."""
        ends = {"source": self.source} | ({"target": self.target} if self.two_ended else {})
        return {
            "schema": f"dbsync/{self.command}@1",
            "ok": exit_code == 0,
            "exit_code": exit_code,
            "elapsed_s": round(elapsed_s, 3),
            **ends,
            "result": answer.result if answer else None,
            "not_compared": list(answer.not_compared) if answer else [],
            "warnings": [redact(warning) for warning in self.warnings],
            "error": redacted(error.to_dict(), redact) if error else None,
        }


def redacted(value: Any, redact: Callable[[str], str]) -> Any:
    """Return a JSON-safe value with every text in it passed through ``redact``."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(str(key)): redacted(item, redact) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(item, redact) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else redact(str(value))


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return the value as JSON text with a newline at its end, harmless on a terminal too."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=_plain)
    return (text if text.isascii() and _DELETE not in text else _UNSEEN.sub(_spelled, text)) + "\n"


def _spelled(match: re.Match[str]) -> str:
    return "\\u007f" if match[0] == _DELETE else json.dumps(match[0])[1:-1]  # json leaves DEL as it is


def _plain(value: Any) -> str:
    if isinstance(value, TableName | Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON-safe")


def chunks(rendering: Rendering) -> Iterable[str]:
    """Yield the text of a rendering; a text without a newline at its end gets one."""
    rendered = rendering()
    pieces = [rendered] if isinstance(rendered, str) else rendered
    last = "\n"
    for piece in pieces:
        if piece:
            last = piece
            yield piece
    if not last.endswith("\n"):
        yield "\n"


def check_writable(path: Path, option: str = "--output") -> None:
    """Raise ConfigError now for a file that could not be written at the end of a long run."""
    parent = path.parent
    if path.is_dir():
        raise ConfigError(f"{option} {str(path)!r} is a directory")
    if not parent.is_dir():
        raise ConfigError(f"{option}: there is no directory {str(parent)!r}")
    if not _is_special(path) and not os.access(parent, os.W_OK):
        raise ConfigError(f"{option}: the directory {str(parent)!r} cannot be written to")


def write_file(path: Path, pieces: Iterable[str]) -> None:
    """Write a file at once or not at all: a temporary file beside it, synced, then renamed over it.

    A device or a pipe is written to directly; through a symbolic link the file it names is replaced.
    """
    try:
        if _is_special(path):
            with path.open("w", encoding="utf-8", errors="backslashreplace") as stream:
                stream.writelines(pieces)
        else:
            _replace(Path(os.path.realpath(path)), pieces)
    except OSError as error:
        raise DbsyncError(f"cannot write {str(path)!r}: {error.strerror or error}", code="OUTPUT") from error


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file()


def _replace(path: Path, pieces: Iterable[str]) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:80]}.", suffix=".tmp", dir=path.parent)
    _unfinished.add(name)
    try:
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.writelines(pieces)
            stream.flush()
            os.fchmod(descriptor, _mode_for(path))
            os.fsync(descriptor)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    finally:
        _unfinished.discard(name)


def drop_unfinished() -> None:
    """Take away what is being written, in a process that ends before it is whole."""
    for name in tuple(_unfinished):
        with suppress(OSError):
            Path(name).unlink()


def _mode_for(path: Path) -> int:
    """The mode of the file that is replaced, else what the umask leaves of 0666."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        umask = os.umask(0o077)
        os.umask(umask)
        return 0o666 & ~umask
