"""Run as a program: ask migra or results what makes one database like another; the answer is JSON on stdout.

``python -m dbsync.pg.engine_process ENGINE PRESENT WANTED``: two databases of the server that libpq's
environment names. A process of its own, since both change what is imported for everybody.
"""

from __future__ import annotations

import json
import sys
import types
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any


def main(engine: str, present: str, wanted: str) -> None:
    """Print ``{"statements": [...]}``, ``{"error": ...}``, or ``{"missing": true}`` for a package that is not there."""
    json.dump(_answer(engine, present, wanted), sys.stdout)


def _answer(engine: str, present: str, wanted: str) -> dict[str, Any]:
    if find_spec(engine) is None:
        return {"missing": True}
    try:
        return {"statements": {"migra": _migra, "results": _results}[engine](present, wanted)}
    except Exception as error:  # theirs may be any: it is told in one sentence
        lines = str(error).splitlines() or [""]
        return {"error": f"{type(error).__name__}: {lines[0]}"}


def _migra(present: str, wanted: str) -> list[str]:
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.orm import Session

    # A part of setuptools that new ones do not have: migra wants this one function of it.
    shim: Any = types.ModuleType("pkg_resources")
    shim.resource_stream = _resource
    sys.modules["pkg_resources"] = shim
    migration = import_module("migra").Migration
    places = [create_engine(f"postgresql+psycopg:///{name}", poolclass=NullPool) for name in (present, wanted)]
    with Session(places[0]) as left, Session(places[1]) as right:
        found = migration(left, right)
        found.set_safety(False)
        found.add_all_changes(privileges=True)
        return [str(statement) for statement in found.statements]


def _resource(module: str, path: str) -> IO[bytes]:
    return (Path(str(sys.modules[module].__file__)).parent / path).open("rb")


def _results(present: str, wanted: str) -> list[str]:
    import psycopg

    migration = import_module("results.dbdiff").Migration
    with psycopg.connect(dbname=present) as left, psycopg.connect(dbname=wanted) as right:
        found = migration(left.cursor(), right.cursor())
        found.set_safety(False)
        found.add_all_changes_ordered(privileges=True)
        return [str(statement) for statement in found.statements]


if __name__ == "__main__":
    main(*sys.argv[1:])
