"""``dbsync connections keep-alive`` and ``rotate-key``: what runs by itself, and what runs once a year."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from dbsync.cli.command import command
from dbsync.cli.context import Context
from dbsync.cli.output import Answer
from dbsync.cli.render_connections import answer_line, answered
from dbsync.errors import ConfigError, ConnectionFailed
from dbsync.quantities import parse_duration
from dbsync.registry.keep_alive import Patience
from dbsync.registry.keep_alive import keep_alive as ping_all
from dbsync.registry.rotation import Rotation, rotate

_SHORTEST_S, _LONGEST_S = 1, 300


def _patience(text: str) -> float:
    try:
        seconds = parse_duration(text)
        if not _SHORTEST_S <= seconds <= _LONGEST_S:
            raise ConfigError(f"the duration {text!r} is not between 1s and 5m")
    except ConfigError as error:
        error.hint = "write 5s or 2m, at most 5m"
        raise
    return seconds


@command("keep-alive", report=True)
def keep_alive(
    context: Context,
    tries: Annotated[int, typer.Option("--tries", metavar="N", min=1, max=10, help="Ask each one so often.")] = 3,
    patience: Annotated[
        float,
        typer.Option(
            "--ping-timeout",
            metavar="DURATION",
            parser=_patience,
            show_default="10s",
            help="Wait so long for an answer: 1s to 5m.",
        ),
    ] = 10,
    at_once: Annotated[int, typer.Option("--at-once", metavar="N", min=1, max=64, help="Ask so many at once.")] = 8,
) -> Answer:
    """Ping every connection marked keep-alive, of every owner, and keep the answers for 30 days. For cron."""
    limits = Patience(tries=tries, timeout_s=patience, at_once=at_once)
    with context.registry(create=True) as registry:
        marked = [known for known in registry.list(None) if known.labels.keep_alive]
        found = [answered(ping) for ping in ping_all(registry, marked, limits, context.control.wait)]
    silent = [each for each in found if not each["ok"]]
    names = ", ".join(each["name"] for each in silent)
    return Answer(
        result={"connections": found},
        render={"text": lambda: map(answer_line, found) if found else "no connection is marked keep-alive"},
        exit_code=ConnectionFailed.exit_code if silent else 0,
        error=ConnectionFailed(f"no answer from {names}", hint="dbsync connections test NAME") if silent else None,
    )


@command("rotate-key", report=True)
def rotate_key(context: Context) -> Answer:
    """Put all saved URLs under a new key. If it is cut off, nothing is lost: run it again."""
    context.audited("connections.rotate-key")
    with context.registry() as registry:
        done = rotate(registry)
    return Answer(result=_facts(done), render={"text": lambda: _told(done)})


def _facts(done: Rotation) -> dict[str, Any]:
    return {
        "key_id": done.key_id,
        "resealed": done.resealed,
        "retired": list(done.retired),
        "where": done.where,
        "taken_up": done.taken_up,
        "left_to_do": done.left_to_do,
    }


def _told(done: Rotation) -> str:
    begun = "the rotation that was cut off is done" if done.taken_up else "done"
    count = f"{done.resealed} record{' is' if done.resealed == 1 else 's are'}"
    lines = [f"{begun}: {count} now under the key {done.key_id} of {done.where}"]
    if done.retired and not done.left_to_do:
        lines.append(f"the old key is put aside: only copies of the store need it ({', '.join(done.retired)})")
    if done.left_to_do:
        lines.append(f"now {done.left_to_do}")
    return "\n".join(lines)
