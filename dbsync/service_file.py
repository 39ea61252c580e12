"""libpq's connection service files, read by ourselves so that the allow-list holds for them too."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from dbsync.errors import ConfigError
from dbsync.home import own_file
from dbsync.urls import ALLOWED_PARAMETERS, refused_parameter

_SYSTEM_DIRECTORIES = ("/etc/postgresql-common", "/etc")
_SECTION = re.compile(r"\[(.*)\]\s*\Z")


def read_service(name: str) -> dict[str, str]:
    """Return the parameters of a service from the first file that has it; raise ConfigError else."""
    seen: dict[str, None] = {}
    looked = []
    for file in _files():
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError):
            raise ConfigError(f"the service file {file} cannot be read") from None
        looked.append(str(file))
        services = dict.fromkeys(section for section, _, _ in _lines(text))
        seen |= services
        if name in services:
            return _parameters(name, text, file)
    near = get_close_matches(name, seen, n=3)
    raise ConfigError(
        f"no service file has the service {name!r}",
        hint=f"did you mean {' or '.join(near)}?" if near else f"looked in: {', '.join(looked) or 'no file was found'}",
    )


def _files() -> list[Path]:
    own = os.environ.get("PGSERVICEFILE")
    system = os.environ.get("PGSYSCONFDIR")
    directories = (system,) if system else _SYSTEM_DIRECTORIES
    first = Path(own) if own else own_file(".pg_service.conf")
    return [*([first] if first else []), *(Path(directory) / "pg_service.conf" for directory in directories)]


def _lines(text: str) -> Iterator[tuple[str, int, str]]:
    """Yield (section, line number, line); the section's own line too, so that empty ones are seen."""
    section = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if match := _SECTION.match(line):
            section, line = match[1], ""
        if section:
            yield section, number, line


def _parameters(name: str, text: str, file: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for section, number, line in _lines(text):
        if section != name or not line:
            continue
        key, equals, value = line.partition("=")
        key = key.strip()
        where = f"the service {name} ({file}, line {number})"
        if not equals:
            raise ConfigError(f"{where} has a line that is not key=value")
        if key not in ALLOWED_PARAMETERS:
            raise refused_parameter(key, where=where)
        if key in found:
            raise ConfigError(f"{where} gives the {key} twice")
        found[key] = value.strip()
    return found
