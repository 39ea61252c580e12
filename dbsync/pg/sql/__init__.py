"""Fixed SQL as named blocks in the .sql files of this directory: ``load("catalog")["tables"]``.

A block starts at a line ``-- name: x`` and reaches to the next one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: (\w+)[ \t]*$", re.MULTILINE)


@cache
def load(file: str) -> Mapping[str, LiteralString]:
    """Return the named blocks of ``file``.sql."""
    text = files(__name__).joinpath(f"{file}.sql").read_text(encoding="utf-8")
    pieces = _NAME.split(text)[1:]
    # The text ships with the package: it is as trusted as a literal in a module.
    blocks = {name: cast(LiteralString, body.strip()) for name, body in zip(pieces[::2], pieces[1::2], strict=True)}
    if len(blocks) * 2 != len(pieces):
        raise ValueError(f"{file}.sql names a block twice")
    return MappingProxyType(blocks)
