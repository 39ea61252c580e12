"""Plans of other engines (migra, results): asked for on two shadows, and trusted no more than our own.

They read, nothing else. What they answer is split into single statements and goes through the same proof.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Literal

from dbsync.dumping import libpq_environment, run_program
from dbsync.errors import ConfigError, DbsyncError, Refused
from dbsync.pg.database import Database
from dbsync.schema.objects import Ref, Snapshot
from dbsync.schema.steps import Action, Step
from dbsync.statements_split import split_statements

OtherEngine = Literal["migra", "results"]
OTHER_ENGINES: tuple[OtherEngine, ...] = ("results", "migra")
FOREIGN = "statement"  # the kind that stands for an object nobody named
_MODULE = "dbsync.pg.engine_process"
_ACTIONS: dict[str, Action] = {"create": "create", "drop": "drop"}
_HARMFUL = frozenset("\"';\\")
_LONGEST_REASON = 300


class EngineFailed(DbsyncError):
    """The engine gave no plan."""

    code = "ENGINE_FAILED"


def other_steps(
    engine: OtherEngine,
    present: Database,
    wanted: Database,
    *,
    check: Callable[[], None] = lambda: None,
) -> list[Step]:
    """Ask an engine for the statements between two databases of one server.

    Raises ConfigError when it is not installed, EngineFailed when it gives up.
    """
    names = [str(side.url.dbname) for side in (present, wanted)]
    environment = libpq_environment(present.url) | {
        # Everything that a server prints comes out with its schema; and nothing is written.
        "PGOPTIONS": "-c default_transaction_read_only=on -c search_path=",
        "PGAPPNAME": f"dbsync {engine}",
    }
    command = [sys.executable, "-W", "ignore", "-m", _MODULE, engine, *names]
    answer = json.loads(_output(engine, command, environment, check))
    if "missing" in answer:
        raise ConfigError(f"{engine} is not installed", hint=f"pip install 'dbsync[{engine}]'", code="NO_ENGINE")
    if "error" in answer:
        raise EngineFailed(f"{engine} gave up: {answer['error']}"[:_LONGEST_REASON])
    return [_step(engine, one.text) for text in answer["statements"] for one in split_statements(text)]


def ensure_harmless(engine: str, *sides: Snapshot) -> None:
    """Raise Refused for names and labels that these engines put into statements without care."""
    for text in (text for side in sides for text in _texts(side)):
        if _HARMFUL & set(text):
            raise Refused(
                f"{engine} may not quote {text!r} as it must be, so it is not asked",
                code="ENGINE_UNSAFE",
                hint="use --engine own",
            )


def _texts(side: Snapshot) -> Iterator[str]:
    for ref, made in side.objects.items():
        yield from (ref.schema, ref.name, ref.sub)
        if ref.kind == "enum":
            yield from made.parts["labels"] or ()


def _step(engine: str, sql: str) -> Step:
    words = sql.lower().split()
    label = words[:2] == ["alter", "type"] and "value" in words and "add" in words
    return Step(
        sql,
        Ref(FOREIGN, "", f"by {engine}"),
        _ACTIONS.get(words[0], "alter"),
        transactional=not label and "concurrently" not in words,
    )


def _output(engine: str, command: list[str], environment: dict[str, str], check: Callable[[], None]) -> str:
    status, out, err = run_program(command, environment, check)
    if status:
        reason = " ".join(err.decode(errors="replace").split())[-_LONGEST_REASON:]
        raise EngineFailed(f"{engine} gave up: {reason}")
    return out.decode()
